"""How many examples Hypothesis tries of a property: fewer in the default profile, all in the profile `deep`."""

from hypothesis import settings

from tests.support.depth import deep as as_deep_as


def examples(default: int, deep: int, steps: int = 50) -> settings:
    """Settings for one property. `steps` bounds the length of a run of a state machine."""
    return settings(max_examples=as_deep_as(default, deep), stateful_step_count=steps)
