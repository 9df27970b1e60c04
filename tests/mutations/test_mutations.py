"""Every fault on the lists is noticed: a test that is cut, or weakened, may not let one through."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutations import generator, reference_impls
from tests.mutations.mutation import Mutation, copy_repository, is_noticed, run_tests

pytestmark = pytest.mark.nightly
MUTATIONS = (*generator.MUTATIONS, *reference_impls.MUTATIONS)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_repository(tmp_path_factory.mktemp("mutations"))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.file}: {mutation.old.strip()[:40]}")
def test_the_fault_is_noticed(mutation: Mutation, copy: Path) -> None:
    assert is_noticed(mutation, copy)


def test_the_same_tests_pass_without_a_fault(copy: Path) -> None:
    for tests in dict.fromkeys(mutation.tests for mutation in MUTATIONS):
        assert run_tests(copy, tests), tests
