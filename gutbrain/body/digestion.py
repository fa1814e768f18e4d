"""Small intestine: what ordinary eating lets through to the colon.

Diet levers count grams that reach the colon; fibre added by a protocol is counted as eaten.
"""

from gutbrain.model.compartment import Compartment, Input, Param, output, term
from gutbrain.model.spread import LogNormal, Uniform


class Digestion(Compartment):
    """Starch, fibre, sugar and protein escape digestion; slow, attentive eating lets less escape."""

    place = "ileum"

    starch_eaten = Input(
        "g/day", rest="habitual_resistant_starch", signal="diet.resistant_starch", low=0, high=120,
        about="starch that reaches the colon in ordinary eating",
    )  # fmt: skip
    fibre_eaten = Input(
        "g/day", rest="habitual_fibre", signal="diet.fibre", low=0, high=120,
        about="non-starch polysaccharide that reaches the colon in ordinary eating",
    )  # fmt: skip
    sugar_eaten = Input(
        "g/day", rest="habitual_sugar", signal="diet.sugar", low=0, high=60, about="sugar that reaches the colon"
    )
    protein_eaten = Input(
        "g/day",
        rest="habitual_protein",
        signal="diet.protein",
        low=0,
        high=60,
        about="protein that reaches the colon",
    )
    fibre_extra = Input(
        "g/day", rest=0, signal="protocol.fibre_extra", low=0, high=60, about="fibre eaten on top of the diet"
    )
    mindful_eating = Input(
        "1", rest=0, signal="protocol.mindful_eating", low=0, high=1, about="share of meals eaten slowly, attentively"
    )

    habitual_resistant_starch = Param(
        25, "g/day", source="Kettle2022 Cremer2017", grade="assumed", between=LogNormal(log_sd=0.4),
        about="inside the published range: 39 in Kettle 2022, 30-40 in Cremer 2017",
    )  # fmt: skip
    habitual_fibre = Param(
        16, "g/day", source="Kettle2022 Cremer2017", grade="assumed", between=LogNormal(log_sd=0.4),
        about="inside the published range: 11 in Kettle 2022, 15 in Cremer 2017",
    )  # fmt: skip
    habitual_sugar = Param(
        5,
        "g/day",
        source="assumed",
        grade="assumed",
        between=LogNormal(log_sd=0.4),
        about="sugar escaping digestion",
    )
    habitual_protein = Param(
        10, "g/day", source="Kettle2022", grade="assumed", between=LogNormal(log_sd=0.4),
        about="10 g/d in Kettle 2022, host secretions included",
    )  # fmt: skip
    fibre_escape = Param(
        0.75, "1", source="Kettle2022", grade="published-model", about="share of eaten polysaccharide that arrives"
    )
    mindful_starch_effect = Param(
        0.15, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.30),
        about="less starch escapes when meals are chewed slowly; no human colon number",
    )  # fmt: skip
    mindful_protein_effect = Param(
        0.10, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.20),
        about="less protein escapes when meals are chewed slowly; no human colon number",
    )  # fmt: skip
    mindful_energy_effect = Param(
        0.05, "1", source="assumed", grade="assumed", belief=Uniform(0, 0.10), about="smaller meals of the same food"
    )

    @term
    def meal_size(self):
        """Meals eaten attentively are a little smaller."""
        return 1 - self.mindful_energy_effect * self.mindful_eating

    @output("g/day")
    def resistant_starch(self):
        """Starch escapes the small intestine, less so when it is chewed slowly."""
        return self.starch_eaten * (1 - self.mindful_starch_effect * self.mindful_eating) * self.meal_size

    @output("g/day")
    def fibre(self):
        """Polysaccharide escapes with meal size; of fibre that a protocol adds three quarters arrive."""
        return self.fibre_eaten * self.meal_size + self.fibre_escape * self.fibre_extra

    @output("g/day")
    def sugar(self):
        """Sugar that is not absorbed follows meal size."""
        return self.sugar_eaten * self.meal_size

    @output("g/day")
    def protein(self):
        """Protein escapes the small intestine, less so when meals are eaten slowly."""
        return self.protein_eaten * (1 - self.mindful_protein_effect * self.mindful_eating) * self.meal_size
