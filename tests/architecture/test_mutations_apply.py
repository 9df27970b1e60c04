"""The faults that the nightly tests make are faults of the code as it is."""

import pytest

from tests.mutations import generator, reference_impls
from tests.mutations.mutation import ROOT, Mutation

MUTATIONS = (*generator.MUTATIONS, *reference_impls.MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.file}: {mutation.old.strip()[:40]}")
def test_the_text_occurs_once_and_the_first_test_file_is_there(mutation: Mutation) -> None:
    assert mutation.applied((ROOT / mutation.file).read_text("utf-8"))
    assert (ROOT / mutation.tests[0].partition("::")[0]).exists()
