"""Faults in the methods, the kernels and what they share."""

from tests.mutations.mutation import Mutation

MUTATIONS: tuple[Mutation, ...] = ()
