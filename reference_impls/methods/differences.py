"""How each method compares with its paper, as plain data: what is the same, what differs, what was measured of it.

Measured consequences are not written here: a difference names the key of its rows in ``results/paper-rules.json``,
which ``make bench-paper-rules`` writes; the site and ``show`` print the numbers of these rows. Nothing here imports
torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One thing that is done otherwise than in the paper or in the authors' code."""

    what: str
    """What the paper or the authors' code does, and what is done here."""
    measured: str | None = None
    """Key of the rows of ``results/paper-rules.json`` that compare both."""
    why_not_measured: str | None = None
    """The reason where there are no rows, as in *the testbed has no such layers*."""

    def __post_init__(self) -> None:
        """Either the consequence is measured, or there is a reason why not.

        Raises:
            ValueError: both are given, or neither.
        """
        if (self.measured is None) == (self.why_not_measured is None):
            raise ValueError(f"give one of measured and why_not_measured for the difference {self.what!r}")


@dataclass(frozen=True)
class Comparison:
    """A method here beside the rule of its paper."""

    paper: str
    """Section and equation of the rule; of a baseline, that it has no paper."""
    same: str
    """What is the same, in one sentence."""
    differs: tuple[Difference, ...] = ()


NO_LAYERS = "an extension, since the paper has no such layers"
ONE_SHOT = "the published rows are one-shot; rounds with training are beyond the testbed's budget"
NO_UNITS = "an extension, since the authors' models have no such units"

COMPARISONS: Mapping[str, Comparison] = {
    "random": Comparison(
        paper="no paper: a baseline",
        same="Every weight has the same chance of being pruned, and the sparsity is exact.",
    ),
    "magnitude": Comparison(
        paper="section 3; the same sparsity in each layer: the baseline of the authors of Wanda",
        same=(
            "In each layer the weights with the smallest absolute values are pruned, at the same sparsity, as in the "
            "magnitude baseline of the papers on one-shot pruning."
        ),
        differs=(
            Difference(
                "The paper prunes in rounds, with training after each; here it is one-shot, and recover can follow.",
                why_not_measured=ONE_SHOT,
            ),
            Difference(
                "Han et al. set a threshold for each layer, a quality parameter times the standard deviation of its "
                "weights, so that layers differ in sparsity. Measured with one quality parameter for all layers, at "
                "the same sparsity of the model.",
                measured="magnitude-threshold",
            ),
        ),
    ),
    "wanda": Comparison(
        paper="section 3, Eq. (1)",
        same=(
            "The score is |weight| times the norm of its input, compared within each output row, or within every m "
            "consecutive weights for N:M; the number of pruned weights of a row is rounded down, and norms are taken "
            "block by block, after the blocks before are pruned."
        ),
        differs=(
            Difference(
                "With scope global, which the paper does not have, all norms are those of the dense model.",
                why_not_measured="an extension, since masks over all layers need all scores before a block is pruned",
            ),
            Difference(
                "The inputs are those of all timesteps of the calibration.",
                why_not_measured="an extension, since the paper prunes language models, which have no timesteps",
            ),
            Difference(
                "Of a convolution, a column is one kernel position of one input channel; channels follow each other "
                "within a kernel position.",
                None,
                NO_LAYERS,
            ),
        ),
    ),
    "sparsegpt": Comparison(
        paper="Algorithm 1; section 3.4 for N:M",
        same=(
            "Score, weight update, mask blocks of 128 columns, N:M masks chosen as the sweep reaches them, and "
            "calibration block by block are those of the authors' code."
        ),
        differs=(
            Difference(
                "The authors' code prunes one weight more than requested in each block of 128 columns, and inputs that "
                "are always zero raise the damping; here the number is exact, and these inputs are left out of the "
                "damping.",
                measured="sparsegpt-code",
            ),
            Difference(
                "A convolution of more than 8,192 columns (910 channels of 3×3) is pruned in groups of input channels, "
                "each with a Hessian of its own, and the inputs of different groups count as uncorrelated; the "
                "testbed has none, so it is measured there with groups of 32 channels.",
                measured="sparsegpt-groups",
            ),
            Difference(
                "The paper has no U-Nets; here their blocks are pruned in the order of execution, and a layer outside "
                "any list is a block.",
                why_not_measured="an extension, since the authors have no rule for U-Nets",
            ),
        ),
    ),
    "obs-diff": Comparison(
        paper="section 4, Eq. (4)",
        same="The Hessian weights the denoising steps by Eq. (4); score and weight update are those of SparseGPT.",
        differs=(
            Difference(
                "The authors calibrate in packages of layers, four by default, each by a run of the sampler; here "
                "layers are calibrated block by block, with two passes a block.",
                measured="obs-diff-packages",
            ),
        ),
    ),
    "sparsedm": Comparison(
        paper="section 3; SR-STE: arXiv:2102.04010, Eq. (9)",
        same=(
            "Masks by magnitude in every forward pass, in groups along the input channels, straight-through gradients, "
            "decay of the masked weights by the authors' factor, and AdamW with the authors' settings."
        ),
        differs=(
            Difference(
                "The authors raise the rate over a warm-up of 2,500 steps, more than the training here has; here the "
                "rate is constant from the first step.",
                why_not_measured="the warm-up of the authors is longer than the budget of the testbed",
            ),
            Difference(
                "The paper fine-tunes for 100,000 steps and more; here there is one step for each calibration batch.",
                why_not_measured="the budget of the paper is beyond the testbed",
            ),
            Difference(
                "The paper adds knowledge distillation; here the loss is the task's alone, and recover can "
                "follow with a teacher.",
                why_not_measured="a matter of the training around the method, which recover does with a teacher",
            ),
        ),
    ),
    "random-units": Comparison(
        paper="no paper: a baseline",
        same="Every head, neuron and channel of a group has the same chance of being removed.",
    ),
    "magnitude-units": Comparison(
        paper="arXiv:1608.08710, section 3.1",
        same="Units whose filters have the smallest L1 norm are removed, the same fraction in each group.",
        differs=(Difference("The paper trains after pruning; here pruning is one-shot.", None, ONE_SHOT),),
    ),
    "taylor": Comparison(
        paper="section 3.1, Eq. (9)",
        same="The importance of a weight is (weight × gradient)², summed over weights and over batches.",
        differs=(
            Difference(
                "The paper sums over the filter of a unit, and also has the filter's joint contribution, Eq. (8); here "
                "the biases of a unit, the scales of its norm and the columns that read it count, too.",
                measured="taylor-filter",
            ),
            Difference(
                "The paper prunes a few units at a time, over all layers, with training in between; here pruning is "
                "one-shot, the same fraction in each group.",
                why_not_measured=ONE_SHOT,
            ),
            Difference(
                "The gradients are of the denoising loss, one batch per timestep.",
                why_not_measured="an extension, since the paper prunes classifiers, which have no timesteps",
            ),
        ),
    ),
    "diff-pruning": Comparison(
        paper="section 4",
        same=(
            "Taylor importance by the gradients summed over the timesteps until the loss falls below 5% of the largest "
            "one so far; coupled weights are scored as one group, in which the scale of a norm counts by "
            "|weight × gradient| and biases do not count, as in the authors' code."
        ),
        differs=(
            Difference(
                "One of the authors' two scripts includes the first timestep below the threshold; here, as in the "
                "other, it does not count. Squares of each timestep, as summed by taylor, are the better idea.",
                measured="diff-pruning-last-step",
            ),
            Difference(
                "The authors use one batch of images and one noise at all timesteps from the first on; here each "
                "timestep of the calibration has images and noise of its own.",
                why_not_measured="the calibration is an input of the method, not part of it",
            ),
            Difference(
                "The authors remove channels of the residual stream too; here heads, neurons and inner channels are "
                "removed and the residual stream keeps its width.",
                why_not_measured="the residual stream cannot be pruned without a dependency graph, which is not here",
            ),
        ),
    ),
    "obs-diff-units": Comparison(
        paper="section 4, Eq. (6), (7)",
        same="The score of a unit is its OBS error, and the remaining weights are updated.",
        differs=(
            Difference(
                "The authors' code removes heads one by one and neurons 64 or more at a time, with new scores in "
                "between, and scores a head within its block of the inverse Hessian; here the units of a group are "
                "removed in one step, and a head is scored by the inverse of its block of the Hessian.",
                measured="obs-diff-units-one-by-one",
            ),
            Difference(
                "The authors calibrate in packages of layers; here groups are calibrated one by one.",
                why_not_measured="the same packages as for weights, which are compared under obs-diff",
            ),
            Difference(
                "The paper fuses the scores of the two readers of a joint head by rank (Eq. 8); here they are added.",
                why_not_measured="the models of the testbed have no joint heads",
            ),
            Difference(
                "Channels of residual blocks are pruned, too; the weight update ignores that the statistics of their "
                "GroupNorm change.",
                why_not_measured=NO_UNITS,
            ),
        ),
    ),
    "ecodiff": Comparison(
        paper="section 3; settings: the authors' code for FLUX",
        same=(
            "Hard-concrete gates, sampled anew in each forward pass, learn on frozen weights to preserve the sampled "
            "image under the authors' bounded L1 penalty; temperature, start, rates and optimizer are theirs, and "
            "units are ranked over all groups of their kind."
        ),
        differs=(
            Difference(
                "With the option ranking=group each group has the requested sparsity; by default, as by the authors' "
                "code, each kind of unit has it.",
                measured="ecodiff-ranking",
            ),
            Difference(
                "The paper has one seed, and masks depend on it; two masks that keep half of the units agree by chance "
                "on half of all units.",
                measured="ecodiff-seeds",
            ),
            Difference(
                "The authors learn on trajectories as long as those that they sample with; here it is a trajectory of "
                "three steps.",
                why_not_measured="a longer trajectory costs in proportion, beyond the budget of the testbed",
            ),
            Difference(
                "The authors take 100 steps of four samples, in four epochs over 100 prompts with one noise; here each "
                "batch has 16 samples with noise of their own, and there is one epoch over as many batches as given.",
                why_not_measured="the number of samples is a budget; masks of several seeds show what depends on it",
            ),
            Difference(
                "The best unit of each group stays, where the authors remove an attention or a feed-forward part that "
                "has none.",
                why_not_measured="a group without units is a block that is skipped, which depth pruning is for",
            ),
            Difference(
                "The trajectory is differentiated without gradient checkpointing.",
                why_not_measured="checkpointing saves memory and leaves the gradients unchanged",
            ),
            Difference("Inner channels of residual blocks have gates, too.", None, NO_UNITS),
        ),
    ),
    "bk-sdm": Comparison(
        paper="section 3.1; losses: Eq. (1) to (4)",
        same=(
            "Blocks of a U-Net are removed in the order of the paper's three sizes, each with its shortcut and skip "
            "connection; the loss of recovery is that of the authors' code, with features summed over the ends of all "
            "resolutions."
        ),
        differs=(
            Difference(
                "The authors remove a block together with its shortcut and its skip connection, and so does the "
                "default here; the option --keep-shortcuts keeps both, which is the better idea: a model of nearly the "
                "same size has a lower loss.",
                measured="bk-sdm-shortcuts",
            ),
            Difference(
                "The third size, Tiny, also removes the layers that resample to and from the innermost resolution; "
                "here they stay.",
                measured="bk-sdm-resampling",
            ),
            Difference(
                "The paper has three sizes; here the sparsity decides how many blocks of this order are removed.",
                why_not_measured="an extension, since the paper has no sizes in between",
            ),
            Difference(
                "The authors keep every block that changes the width of the stream; here such blocks come after the "
                "third size, and those columns of their shortcut stay that read the stream.",
                why_not_measured="an extension, with sizes below those of the paper",
            ),
            Difference(
                "Of a stack of equal blocks every second one is removed, and features are those of each remaining "
                "block.",
                why_not_measured="an extension, since the paper has no transformers",
            ),
        ),
    ),
    "laptop-diff": Comparison(
        paper="section 3, Eq. (5); distillation: section 3.3",
        same=(
            "The loss of removing several blocks is taken as the sum of their single output losses, and the set with "
            "the smallest sum is found exactly (a knapsack, equal to brute force over all sets)."
        ),
        differs=(
            Difference(
                "The paper removes single layers; here blocks are removed.",
                why_not_measured="the testbed removes blocks, so that all depth methods choose among the same units",
            ),
            Difference(
                "A block of a U-Net is removed with its shortcut and its skip connection, as by BK-SDM; "
                "--keep-shortcuts keeps both.",
                why_not_measured="there is no public code; both removals have rows in the table of the method",
            ),
            Difference(
                "Normalised features are compared at the ends of the resolutions of a U-Net, and after each remaining "
                "block of a transformer.",
                why_not_measured="there is no public code, and the paper has no transformers",
            ),
        ),
    ),
    "shortgpt": Comparison(
        paper="section 3.1, Eq. (1)",
        same="Blocks with the lowest block influence are removed, which equals the formula vector by vector.",
        differs=(
            Difference(
                "The forward passes are those of a sampler, and every timestep counts the same.",
                why_not_measured="an extension, since the paper prunes language models, which have no timesteps",
            ),
            Difference(
                "The input of a block of a U-Net is the stream without the skip connection; where the block changes "
                "the width of the stream, those columns of its shortcut that read the stream make its input.",
                why_not_measured="an extension, since the paper's blocks have one width and no skip connections",
            ),
            Difference(
                "--keep-shortcuts takes the output of the whole shortcut for the input of a block.",
                why_not_measured="an extension; both removals have rows in the table of the method",
            ),
        ),
    ),
    "tinyfusion": Comparison(
        paper="section 3, Eq. (1), (5) to (7)",
        same=(
            "A categorical variable over the masks of each group of blocks is learned by Gumbel softmax with "
            "straight-through gradients, jointly with low-rank updates; the most likely mask of each group is used."
        ),
        differs=(
            Difference(
                "The authors' code samples a mask for each image, multiplies the logits by 100, lowers the temperature "
                "linearly, clips gradients, decides by an average of the logits, and has updates of rank 8, scaled by "
                "two, on every Linear layer; here a mask is sampled for each batch, the temperature falls "
                "geometrically, and updates have rank 4, unscaled, on the blocks alone.",
                measured="tinyfusion-loop",
            ),
            Difference(
                "Where the sparsity does not divide evenly, groups lose its floor or ceiling, the later ones more.",
                why_not_measured="an extension, since the paper chooses sparsities that divide evenly",
            ),
            Difference(
                "Convolutions get no low-rank updates, and the input of a block of a U-Net is the stream without the "
                "skip connection, through those columns of the shortcut that read it where the width changes.",
                why_not_measured="an extension, since the paper has no U-Nets",
            ),
            Difference(
                "The paper recovers by distillation from masked hidden states; here recover follows with its losses.",
                why_not_measured="the published rows before recovery do not depend on it",
            ),
        ),
    ),
}
"""By name of the method, in the order of the registry."""
