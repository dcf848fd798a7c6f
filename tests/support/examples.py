"""How many examples Hypothesis tries of a property: fewer in the default profile, all in the profile `deep`."""

from hypothesis import settings


def examples(default: int, deep: int, steps: int = 50) -> settings:
    """Settings for one property. `steps` bounds the length of a run of a state machine."""
    name = settings.get_current_profile_name()
    return settings(max_examples=deep if name == "deep" else default, stateful_step_count=steps)
