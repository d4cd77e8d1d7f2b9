"""Pulumi's entry: the stack's name says which program runs."""

import pulumi

from stacks.programs import program_of

program_of(pulumi.get_stack())()
