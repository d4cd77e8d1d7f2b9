"""Text made of parts of which some are known only after deployment."""

import pulumi


def joined(*parts: pulumi.Input[str]) -> pulumi.Input[str]:
    """The parts in a row: a plain string where all are plain, so that previews show as much as they can."""
    plain = [part for part in parts if isinstance(part, str)]
    return "".join(plain) if len(plain) == len(parts) else pulumi.Output.concat(*parts)
