"""Faults put into ``reference_impls`` by hand, each with the tests that must fail because of it."""

from tests.mutations.mutation import Mutation

T = "tests/reference_impls/"

MATHS = (
    Mutation(
        "reference_impls/maths/masks.py",
        "math.floor(check_sparsity(sparsity) * total + 0.5)",
        "math.floor(check_sparsity(sparsity) * total)",
        (f"{T}methods/test_structured.py::test_best_units",),
    ),
    Mutation(
        "reference_impls/maths/masks.py",
        "mask = scores > borders",
        "mask = scores < borders",
        (f"{T}maths/test_masks.py::test_exactly_the_share_goes_and_the_lowest_go",),
    ),
    Mutation(
        "reference_impls/maths/masks.py",
        "mask = torch.ones_like(pooled, dtype=torch.bool)",
        "mask = torch.zeros_like(pooled, dtype=torch.bool)",
        (f"{T}maths/test_masks.py::test_pattern_leaves_the_remainder",),
    ),
    Mutation(
        "reference_impls/maths/masks.py",
        "tiles.sum((2, 3)) / areas",
        "tiles.sum((2, 3)) / (self.rows * self.columns)",
        (f"{T}maths/test_tiles.py::test_mean_and_area_of_each_tile",),
    ),
    Mutation(
        "reference_impls/maths/selection.py",
        "lower += fewer",
        "lower += 0",
        (f"{T}stream/test_file_to_file.py::test_the_kth_lowest_is_that_of_a_sort",),
    ),
    Mutation(
        "reference_impls/stream/blocks.py",
        'onload.reads[f"{name}.weight"] = partial(layout.read, place)',
        "pass",
        (f"{T}stream/test_blocks.py::test_the_same_as_in_memory",),
    ),
    Mutation(
        "reference_impls/pruning/recover_block.py",
        "                _to_masks(kept)",
        "                pass",
        (f"{T}pruning/test_recover_block.py::test_the_error_never_rises_and_only_remaining_weights_change",),
    ),
    Mutation(
        "reference_impls/pruning/recover_block.py",
        "weight.grad = total(weight.grad)",
        "weight.grad = 1 * weight.grad",
        (f"{T}pruning/test_recover_block.py::test_the_gradients_of_all_processes_count",),
    ),
    Mutation(
        "reference_impls/maths/obs.py",
        "self.samples += weight * len(x)",
        "self.samples += len(x)",
        (f"{T}maths/test_maths.py::test_a_hessian_is_a_weighted_mean",),
    ),
    Mutation(
        "reference_impls/maths/obs.py",
        "diagonal[silent] = mean",
        "diagonal[silent] = 1.0",
        (f"{T}maths/test_obs.py::test_a_dead_input_is_damped_like_a_mean_one",),
    ),
    Mutation(
        "reference_impls/maths/obs.py",
        "now = w[own] + inverse_root.T",
        "now = w[own] - inverse_root.T",
        (f"{T}maths/test_obs.py::test_a_lazy_update_changes_the_cost_only",),
    ),
    Mutation(
        "reference_impls/maths/obs.py",
        "weight.double().square().sum(0) / inverse(hessian.double(), damping).diagonal()",
        "weight.double().square().sum(0) * damped(hessian.double(), damping).diagonal()",
        (f"{T}methods/test_structured.py::test_one_column_costs_what_its_score_says",),
    ),
    Mutation(
        "reference_impls/maths/surgery.py",
        "strata[part.layer] = len({unit // (group.units // group.strata) for unit in units})",
        "strata[part.layer] = group.strata",
        (f"{T}maths/test_surgery.py::test_in_double_precision_nothing_is_left_of_the_difference",),
    ),
    Mutation(
        "reference_impls/maths/surgery.py",
        "nn.Parameter(new, requires_grad=old.requires_grad)",
        "nn.Parameter(new)",
        (f"{T}maths/test_maths.py::test_frozen_weights_stay_frozen",),
    ),
    Mutation(
        "reference_impls/maths/macs.py",
        'self.parts["attention"] += pairs * query.shape[-1] + pairs * value.shape[-1]',
        'self.parts["attention"] += 2 * pairs * query.shape[-1]',
        (f"{T}maths/test_maths.py::test_values_of_attention_may_have_a_width_of_their_own",),
    ),
    Mutation(
        "reference_impls/maths/gates.py",
        "(soft * (HIGH - LOW) + LOW).clamp(0, 1)",
        "soft.clamp(0, 1)",
        (f"{T}maths/test_gates.py::test_gates_are_clipped_and_sharper_when_colder",),
    ),
    Mutation(
        "reference_impls/maths/gates.py",
        "return hard + soft - soft.detach()",
        "return hard",
        (f"{T}maths/test_gates.py::test_one_of_is_one_hot_and_has_a_gradient",),
    ),
    Mutation(
        "reference_impls/maths/hooks.py",
        "[value for value in model.parameters() if value.requires_grad]",
        "list(model.parameters())",
        (f"{T}maths/test_hooks.py::test_what_was_frozen_before_stays_frozen",),
    ),
)
PRUNING = (
    Mutation(
        "reference_impls/pruning/layers.py",
        'mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode',
        'mode = "constant"',
        (f"{T}pruning/test_layers.py::test_rows_of_a_convolution",),
    ),
    Mutation(
        "reference_impls/pruning/layers.py",
        'getattr(layer, "groups", 1) > 1',
        'getattr(layer, "groups", 1) > 2',
        (f"{T}pruning/test_layers.py::test_small_and_grouped_layers_stay_dense",),
    ),
    Mutation(
        "reference_impls/pruning/layers.py",
        'pattern.axis == "channels" or',
        "True or",
        (f"{T}test_public_reports.py::test_2_4_of_a_convolution",),
    ),
    Mutation(
        "reference_impls/bench/forward_pass.py",
        '"unpruned" if "unpruned" in self.seconds else "dense"',
        '"dense"',
        (f"{T}command_line/test_measured_pipelines.py::test_bench_of_zeros_beside_the_dense_pipeline",),
    ),
    Mutation(
        "reference_impls/pruning/remove_units.py",
        "keep = max(1, size - pruned_count(size, share))",
        "keep = size - pruned_count(size, share)",
        (f"{T}methods/test_structured.py::test_best_units",),
    ),
    Mutation(
        "reference_impls/pruning/remove_units.py",
        'if part.side == "out" and bias is not None:',
        "if bias is not None:",
        (f"{T}methods/test_structured.py::test_owned_by_hand",),
    ),
    Mutation(
        "reference_impls/pruning/drop_weights.py",
        'keep_best_in_rows if request.scope == "row" else keep_best',
        "keep_best",
        (f"{T}methods/test_magnitude.py::test_scopes_by_hand",),
    ),
    Mutation(
        "reference_impls/pruning/undo.py",
        "tensor.grad = gradient",
        "tensor.grad = None",
        (f"{T}pruning/test_undo.py::test_everything_that_a_layer_holds",),
    ),
    Mutation(
        "reference_impls/pruning/contract.py",
        "[self.kept[name][i] for i in units] if name in self.kept else units",
        "units",
        (f"{T}maths/test_surgery.py::test_changes_add_up",),
    ),
    Mutation(
        "reference_impls/units/diffusers_groups.py",
        "torch.cat([each, each + hidden], dim=1)",
        "torch.cat([2 * each, 2 * each + 1], dim=1)",
        (f"{T}units/test_diffusers_groups.py::test_units_leave_exactly[stable-audio]",),
    ),
    Mutation(
        "reference_impls/maths/surgery.py",
        "return Skip(skipped=block.skipped)",
        "return Skip(shortcut)",
        (f"{T}maths/test_surgery.py::test_a_removed_block_drops_its_skip_connection",),
    ),
    Mutation(
        "reference_impls/models/testbed_folder.py",
        'changed.get("shortcuts", dropped)',
        'changed.get("shortcuts", ())',
        (f"{T}models/test_testbed_folder.py::test_a_folder_that_does_not_say_it_is_one_of_kept_shortcuts",),
    ),
    Mutation(
        "reference_impls/pruning/skip_blocks.py",
        ".argsort(stable=True)",
        ".argsort(descending=True, stable=True)",
        (f"{T}methods/test_depth.py::test_a_block_that_does_nothing_goes_first[shortgpt]",),
    ),
)
METHODS = (
    Mutation(
        "reference_impls/pruning/observers.py",
        "inputs.double().square().sum(0)",
        "inputs.double().abs().sum(0)",
        (f"{T}methods/test_methods.py::test_choices_by_hand[wanda]",),
    ),
    Mutation(
        "reference_impls/methods/shortgpt.py",
        "flat = stream.flatten(2).transpose(1, 2) if stream.dim() == 4 else stream",
        "flat = stream",
        (f"{T}methods/test_shortgpt.py::test_influence_looks_at_the_channels_of_a_pixel",),
    ),
    Mutation(
        "reference_impls/methods/laptop_diff.py",
        "if choice[1] > heaviest:",
        "if choice[1] > heaviest + 1:",
        (f"{T}methods/test_laptop_diff.py::test_knapsack_against_brute_force",),
    ),
    Mutation(
        "reference_impls/methods/laptop_diff.py",
        "sum(value.numel() for value in whole) - sum(value.numel() for value in stays)",
        "sum(value.numel() for value in whole)",
        (f"{T}methods/test_laptop_diff.py::test_what_a_block_frees_is_what_is_missing_without_it",),
    ),
    Mutation(
        "reference_impls/methods/bk_sdm.py",
        "for place in level[1:-1]",
        "for place in level[1:]",
        (f"{T}methods/test_bk_sdm.py::test_the_fixed_rule",),
    ),
    Mutation(
        "reference_impls/methods/tinyfusion.py",
        "lost = [gone * end // blocks for end in ends]",
        "lost = [-(-gone * end // blocks) for end in ends]",
        (f"{T}methods/test_tinyfusion.py::test_later_groups_lose_more",),
    ),
    Mutation(
        "reference_impls/methods/diff_pruning.py",
        "if loss.item() < threshold * largest:",
        "if loss.item() < 0 * largest:",
        (f"{T}methods/test_diff_pruning.py::test_diff_pruning_stops_where_the_loss_is_negligible",),
    ),
    Mutation(
        "reference_impls/methods/ecodiff.py",
        "torch.stack([torch.stack(terms).mean() for terms in by_kind.values()]).sum()",
        "torch.cat([torch.stack(terms) for terms in by_kind.values()]).mean()",
        (f"{T}methods/test_ecodiff_rule.py::test_loss_and_gradient_of_a_training_step[dit]",),
    ),
    Mutation(
        "reference_impls/maths/gates.py",
        "(*rest, columns) if isinstance(layer, nn.Linear) else (columns, *rest)",
        "(*rest, columns)",
        (f"{T}methods/test_structured.py::test_the_unet_keeps_its_norm_groups[ecodiff]",),
    ),
    Mutation(
        "reference_impls/methods/sparsedm.py",
        "gradient + context.decay * (~mask) * weight",
        "gradient + context.decay * mask * weight",
        (f"{T}methods/test_sparsedm.py::test_sr_ste_by_hand",),
    ),
    Mutation(
        "reference_impls/methods/prune.py",
        "if width % pattern.m:",
        "if width < pattern.m:",
        (f"{T}methods/test_remainders.py::test_a_remainder_is_refused",),
    ),
    Mutation(
        "reference_impls/methods/prune.py",
        "1 - len(kept) / units[name]",
        "len(kept) / (units[name] + 1)",
        (f"{T}methods/test_structured.py::test_shares_are_exact_in_every_group",),
    ),
)
CALLS = (
    Mutation(
        "reference_impls/calls/call.py",
        "return (self.noise_scale * error).square().mean()",
        "return error.square().mean()",
        (f"{T}methods/test_structured.py::test_choices_by_hand[dit-taylor]",),
    ),
    Mutation(
        "reference_impls/calls/call.py",
        "value.dim() > 0 and name not in self.unbatched",
        "value.dim() > 0",
        (f"{T}models/test_diffusers_folder.py::test_methods_run[magnitude-FluxTransformer2DModel]",),
    ),
    Mutation(
        "reference_impls/calls/call.py",
        "while not isinstance(output, torch.Tensor):",
        "while False:",
        (f"{T}models/test_diffusers_folder.py::test_sdxl_gets_its_own_conditions",),
    ),
    Mutation(
        "reference_impls/calls/record.py",
        "known[1] != version",
        "False",
        (f"{T}calls/test_record.py::test_arguments_are_kept_exactly",),
    ),
    Mutation(
        "reference_impls/calls/record.py",
        "self.step += 1",
        "self.step += 0",
        (f"{T}calls/test_record.py::test_the_denoiser_repeats_what_it_did[ddpm]",),
    ),
    Mutation(
        "reference_impls/models/weight_files.py",
        "made = value.to(dtype).contiguous()",
        "made = value.contiguous()",
        (f"{T}models/test_weight_files.py::test_precision_shards_and_variant_are_kept",),
    ),
)
KERNELS = (
    Mutation(
        "reference_impls/kernels/spmm.py",
        "np.float32(0.044715) * y**3",
        "np.float32(0.044715) * y**2",
        (f"{T}kernels/test_spmm.py::test_activations_over_their_whole_range",),
    ),
    Mutation(
        "reference_impls/kernels/spmm.py",
        "    if threads < 1:",
        "    if threads < 0:",
        (f"{T}kernels/test_spmm.py::test_refusals",),
    ),
    Mutation(
        "reference_impls/kernels/csr_spmm.py",
        "columns % block * tile(narrow)",
        "columns * tile(narrow)",
        (f"{T}kernels/test_spmm.py::test_against_float64",),
    ),
    Mutation(
        "reference_impls/kernels/csr_spmm.py",
        "mine = slice(row_start[row], row_start[row + 1])",
        "mine = slice(row_start[row], row_start[row + 1] - 1)",
        (f"{T}kernels/test_spmm.py::test_the_slower_versions",),
    ),
    Mutation(
        "reference_impls/kernels/convolution.py",
        "else (0, even, self.strip)",
        "else (0, self.strip, even)",
        (f"{T}kernels/test_conv.py::test_against_float64",),
    ),
    Mutation(
        "reference_impls/kernels/convolution.py",
        "x[:, channel[i], dy : dy + stride * out_height : stride, dx",
        "x[:, channel[i], dx : dx + stride * out_height : stride, dy",
        (f"{T}kernels/test_conv.py::test_the_slower_versions",),
    ),
    Mutation(
        "reference_impls/kernels/weight_order.py",
        "np.argsort(-sizes, axis=1",
        "np.argsort(sizes, axis=1",
        (f"{T}kernels/test_spmm.py::test_a_stream_holds_every_weight_once_in_order",),
    ),
    Mutation(
        "reference_impls/kernels/modules.py",
        "plain = layer.groups == 1 and set(layer.dilation)",
        "plain = set(layer.dilation)",
        (f"{T}kernels/test_modules.py::test_convolutions_without_a_kernel",),
    ),
    Mutation(
        "reference_impls/kernels/modules.py",
        "if self._packed is None or self._packed[0] != version:",
        "if self._packed is None:",
        (f"{T}kernels/test_modules.py::test_saved_loaded_copied_and_changed",),
    ),
    Mutation(
        "reference_impls/kernels/modules.py",
        'type(activation) is nn.GELU and activation.approximate == "tanh"',
        "type(activation) is nn.GELU",
        (f"{T}kernels/test_modules.py::test_an_activation_behind_a_layer",),
    ),
    Mutation(
        "reference_impls/kernels/build.py",
        '*sorted(FOLDER.glob("*.h"))',
        "*()",
        (f"{T}kernels/test_build.py::test_the_name_of_a_library_follows_its_sources",),
    ),
)
FILES = (
    Mutation(
        "reference_impls/files/packed.py",
        "value.half() if value.is_floating_point() else value",
        "value",
        (f"{T}files/test_packed.py::test_what_was_stored_comes_back",),
    ),
    Mutation(
        "reference_impls/files/outputs.py",
        "file.chmod(mode)",
        "file.chmod(0o600)",
        (f"{T}files/test_outputs.py::test_a_new_folder_respects_the_umask",),
    ),
    Mutation(
        "reference_impls/files/journal.py",
        '.split("\\n")[:-1]',
        ".splitlines()",
        (f"{T}files/test_journal.py::test_a_job_that_was_cut_off_runs_again",),
    ),
    Mutation(
        "reference_impls/files/weights.py",
        'check_finite(f"{file}: {name}", value)',
        "pass",
        (f"{T}command_line/test_command_line.py::test_values_that_are_not_finite_are_named",),
    ),
)
STUDY = (
    Mutation(
        "reference_impls/study/recover.py",
        "layer.weight.masked_fill_(~mask, 0)",
        "layer.weight.mul_(1)",
        (f"{T}study/test_recover.py::test_zeros_stay_and_blocks_stay_out",),
    ),
    Mutation(
        "reference_impls/study/recover.py",
        "total = total + (error / stream",
        "total = (error / stream",
        (f"{T}study/test_recover.py::test_feature_loss_by_hand",),
    ),
    Mutation(
        "reference_impls/study/int8.py",
        "(weight / column).round().to(torch.int8)",
        "(weight / column).to(torch.int8)",
        (f"{T}study/test_int8.py::test_levels_by_hand",),
    ),
    Mutation(
        "reference_impls/study/ratio_search.py",
        "child[less] - weights / sizes[less]",
        "child[less] - weights / sizes[more]",
        (f"{T}study/test_recover.py::test_mutations_of_shares_keep_the_total",),
    ),
    Mutation(
        "reference_impls/study/ratio_search.py",
        "if loss < least:",
        "if loss > least:",
        (f"{T}study/test_recover.py::test_the_search_keeps_the_best_of_parent_and_children",),
    ),
    Mutation(
        "reference_impls/study/measure.py",
        "features=METHODS[job.method].features",
        'features="none"',
        (f"{T}study/test_table.py::test_a_model_recovers_as_its_paper_says",),
    ),
    Mutation(
        "reference_impls/study/table.py",
        "if _key(asdict(job)) not in known",
        "if job",
        (f"{T}study/test_table.py::test_a_stopped_run_goes_on",),
    ),
    Mutation(
        "reference_impls/testbed/metrics.py",
        "(part + 0.5) / GRID",
        "part / GRID",
        (f"{T}testbed/test_testbed.py::test_held_out_loss_by_hand",),
    ),
)
COMMANDS = (
    Mutation(
        "reference_impls/command_line/prune.py",
        "steps = (*opened.steps, {",
        "steps = (*opened.steps[:0], {",
        (f"{T}command_line/test_command_line.py::test_prune_twice_recover_eval",),
    ),
    Mutation(
        "reference_impls/command_line/recover.py",
        "dense, rate = pretrained(name) if teacher else None,",
        "dense, rate = pretrained(name),",
        (f"{T}command_line/test_command_line.py::test_recover_without_a_teacher",),
    ),
)

MUTATIONS: tuple[Mutation, ...] = (*MATHS, *PRUNING, *METHODS, *CALLS, *KERNELS, *FILES, *STUDY, *COMMANDS)
