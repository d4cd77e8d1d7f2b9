"""Pulumi's entry: the stack's name says which program runs; a user's mistake ends without a traceback."""

import pulumi

from model.errors import UserError
from stacks.programs import program_of

try:
    program_of(pulumi.get_stack())()
except UserError as error:
    raise pulumi.RunError(str(error)) from None
