"""Ready-made practices and the four kinds of control arm.

Doses without a source are `assumed`. Day 0 is the baseline day; courses begin on day 1.
"""

from __future__ import annotations

from gutbrain.model.spread import Normal, Uniform
from gutbrain.protocols.protocol import Act, Protocol

AFFECT_SD = 12.0  # between-person SD of negative affect, points (mind.md); turns SD into points
KEPT = Normal(sd=0.25, low=0.0, high=1.0)  # home practice kept: mean 0.64 (Parsons 2017), spread assumed


def _course(
    weeks: float, start: float, size: float, belief: tuple[float, float], source: str, grade: str
) -> tuple[Act, ...]:
    """A course that meets: contact, group and credibility shift affect whatever is practised."""
    end = start + 7 * weeks
    return (
        Act("protocol.course_running", 1, start, end, effort=True, about="the course runs"),
        Act(
            "protocol.nonspecific_target", size * AFFECT_SD, start, end, effort=True,
            belief=Uniform(belief[0] * AFFECT_SD, belief[1] * AFFECT_SD), grade=grade, source=source,
            about="contact, group and credibility",
        ),
    )  # fmt: skip


def mbsr(minutes: float = 45, weeks: float = 8, start: float = 1, after: float = 20) -> Protocol:
    """Mindfulness-based stress reduction: a weekly group and `minutes` a day at home, `after` a day later on."""
    end = start + 7 * weeks
    acts = (
        Act("protocol.practice_assigned", minutes, start, end, effort=True, grade="derived", source="Parsons2017"),
        Act("protocol.practice_assigned", after, end, effort=True, about="asked for after the course"),
        *_course(weeks, start, 0.20, (0.13, 0.23), "Khoury2013 Firth2019", "derived"),
    )
    return Protocol("mbsr", acts, mbsr.__doc__ or "", dropout=0.191)


def body_scan(minutes: float = 30, weeks: float = 8, start: float = 1) -> Protocol:
    """Body scan alone at home, without a group: it trains skill as other practice does."""
    acts = (Act("protocol.practice_assigned", minutes, start, start + 7 * weeks, effort=True),)
    return Protocol("body scan", acts, body_scan.__doc__ or "", dropout=0.25)


def slow_breathing(minutes: float = 20, weeks: float = 8, start: float = 1) -> Protocol:
    """Slow breathing, about six breaths a minute: it trains resting vagal tone, a little at most."""
    act = Act(
        "protocol.breathing_minutes", minutes, start, start + 7 * weeks, effort=True,
        kept_mean=0.64, kept=KEPT, source="Parsons2017", grade="assumed",
    )  # fmt: skip
    return Protocol("slow breathing", (act,), slow_breathing.__doc__ or "", dropout=0.25)


def mindful_eating(share: float = 0.5, weeks: float = 8, start: float = 1) -> Protocol:
    """A share of meals eaten slowly and attentively: less starch and protein escape digestion."""
    act = Act(
        "protocol.mindful_eating", share, start, start + 7 * weeks, effort=True, kept_mean=0.64, kept=KEPT,
        source="Parsons2017", grade="assumed",
    )  # fmt: skip
    return Protocol("mindful eating", (act,), mindful_eating.__doc__ or "", dropout=0.2)


def no_treatment() -> Protocol:
    """Nothing at all."""
    return Protocol("no treatment", (), no_treatment.__doc__ or "")


def wait_list(weeks: float = 8, start: float = 1) -> Protocol:
    """Waiting for a place: a shift of unknown sign, 0 by default."""
    end = start + 7 * weeks
    acts = (
        Act("protocol.course_running", 1, start, end, effort=True),
        Act("protocol.nonspecific_target", 0, start, end, effort=True, belief=Normal(sd=0.05 * AFFECT_SD)),
    )
    return Protocol("wait list", acts, wait_list.__doc__ or "", dropout=0.1)


def attention_control(weeks: float = 8, start: float = 1) -> Protocol:
    """As much contact, group and credibility as the course, without practice."""
    acts = _course(weeks, start, 0.20, (0.13, 0.23), "Khoury2013 Firth2019", "derived")
    return Protocol("attention control", acts, attention_control.__doc__ or "", dropout=0.186)


def active_control(weeks: float = 8, start: float = 1, size: float = 0.31) -> Protocol:
    """Another active treatment without practice, its non-specific part included; `size` in SD."""
    acts = _course(weeks, start, size, (max(0.0, size - 0.15), size + 0.15), "Khoury2013", "derived")
    return Protocol("active control", acts, active_control.__doc__ or "", dropout=0.186)
