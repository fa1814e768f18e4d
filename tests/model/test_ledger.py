"""The check says that carbon closes in the colon, and says where it does not."""

import jax
import numpy as np
import pytest

from gutbrain.body.colon import Colon
from gutbrain.body.digestion import Digestion
from gutbrain.model.axis import Axis
from gutbrain.model.check import check_ledgers
from gutbrain.model.compartment import Compartment, Ledger, Param, State, output, rate
from gutbrain.model.maths import total

jax.config.update("jax_enable_x64", True)

ASSUMED = {"source": "assumed", "grade": "assumed"}


def test_the_check_proves_that_carbon_closes_in_the_colon():
    (found,) = check_ledgers(Axis(Digestion(), Colon(), name="colon"))
    assert (found.severity, found.where) == ("note", "colon")
    assert float(found.what.split("at most ")[1].split(" ")[0]) < 1e-12


class Leaky(Colon):
    """A colon that makes a mmol of butyrate a day out of nothing."""

    place = "colon"

    @rate("butyrate_mass")
    def make_butyrate(self):
        """Butyrate comes from carbohydrate, protein, lactate and nowhere."""
        made = total(self.nu_butyrate * self.fermented_hexose) + self.protein_butyrate * self.protein_fermented
        return 1.0 + made + self.lactate_butyrate * self.lactate_used - self.acid_loss * self.butyrate_mass


class Overspent(Colon):
    """A colon whose polymer degraders name more acids than the hexose they eat has carbon for."""

    place = "colon"
    nu_acetate = Param(
        (1.4, 2.9, -0.5, 1.8333, 0.4333, 0, 1, 0, 3), "1", over="group", **ASSUMED, about="mol per mol of hexose"
    )


@pytest.mark.parametrize(
    ("colon", "where", "what"),
    [(Leaky(), "leaky", "of the inflow is missing"),
     (Overspent(), "overspent.nu_carbon_dioxide", "what the named products leave over"),
     (Overspent(), "overspent.nu_hydrogen", "what the named products leave over")],
)  # fmt: skip
def test_a_colon_that_breaks_the_balance_is_an_error(colon, where, what):
    found = [f for f in check_ledgers(Axis(Digestion(), colon, name="broken")) if f.severity == "error"]
    (said,) = [f for f in found if f.where == where]
    assert what in said.what and "carbon" in said.what and said.mend


class Bath(Compartment):
    """A bath whose drain is forgotten in the ledger."""

    ledgers = (Ledger("water", "tap", "drain", stored={"amount": "density"}),)
    amount = State("L", start=2.0, low=0, high=10)
    density = Param(2.0, "g/L", **ASSUMED, about="content")

    @output("g/day")
    def tap(self):
        """Water that runs in."""
        return 4.0 + 0 * self.amount

    @output("g/day")
    def drain(self):
        """Water that runs out."""
        return self.density * self.amount

    @rate("amount")
    def fill(self):
        """The bath fills and drains."""
        return 4.0 / self.density - self.amount


def test_content_may_be_a_parameter_and_the_gap_is_a_share_of_what_enters():
    (sound,) = check_ledgers(Axis(Bath(), name="bath"))
    assert sound.severity == "note"
    wrong = type("Wrong", (Bath,), {"__doc__": "Counts a litre as a gram.",
                                    "ledgers": (Ledger("water", "tap", "drain", stored={"amount": 1.0}),)})  # fmt: skip
    (told,) = check_ledgers(Axis(wrong(), name="bath"))
    assert told.severity == "error" and np.isfinite(float(told.what.split("at most ")[1].split(" ")[0]))
