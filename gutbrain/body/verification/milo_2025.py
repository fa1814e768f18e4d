"""Stress axis of Karin 2020 and Milo 2025 as it was printed: three hormones and two glands, relative to baseline.

Without ceilings of the glands its rest is exact algebra. Its linear ACTH gain fails for acute stress; the stress
axis of the package squares it.
"""

from typing import Any

from gutbrain.model.compartment import Compartment, Input, Param, State, rate, term
from gutbrain.model.maths import power

PRINTED: dict[str, Any] = {"source": "Karin2020 Milo2025", "grade": "published-model"}


class Milo2025(Compartment):
    """A drive raises CRH, ACTH and cortisol; the glands that make them grow and shrink over weeks."""

    place = "stress"

    crh = State("1", start=1, low=0, high=100, about="CRH over baseline")
    acth = State("1", start=1, low=0, high=100, about="ACTH over baseline")
    cortisol = State("1", start=1, low=0.01, high=100, about="cortisol over baseline")
    pituitary = State("1", start=1, low=0, high=100, about="mass of corticotrophs over baseline")
    adrenal = State("1", start=1, low=0, high=100, about="mass of the adrenal cortex over baseline")

    drive = Input("1", rest=1, signal="protocol.stress_drive", low=0, high=20, about="all that drives the hypothalamus")

    crh_half_life = Param(4, "minute", about="of CRH", **PRINTED)
    acth_half_life = Param(20, "minute", about="of ACTH", **PRINTED)
    cortisol_half_life = Param(80, "minute", about="of cortisol", **PRINTED)
    pituitary_half_life = Param(20, "day", about="turnover of corticotrophs; 7 in the first version", **PRINTED)
    adrenal_half_life = Param(30, "day", about="turnover of the adrenal cortex; 14 in the first version", **PRINTED)
    receptor_half = Param(4, "1", about="cortisol of half effect at the glucocorticoid receptor", **PRINTED)
    receptor_exponent = Param(3, "1", about="of the glucocorticoid receptor", **PRINTED)
    pituitary_ceiling = Param(1e6, "1", about="largest mass; 4 in the variant for severe stress", **PRINTED)
    adrenal_ceiling = Param(1e6, "1", about="largest mass; 4 in the variant for severe stress", **PRINTED)
    ln2 = Param(0.6931471805599453, "1", source="Karin2020", grade="derived", about="turns a half-life into a rate")

    @term
    def receptor(self):
        """The glucocorticoid receptor brakes where cortisol is high."""
        return 1 / (1 + power(self.cortisol / self.receptor_half, self.receptor_exponent))

    @rate("crh")
    def release_crh(self):
        """The drive releases CRH; cortisol brakes through both receptors, the other one as 1 / cortisol."""
        return self.ln2 / self.crh_half_life * (self.drive / self.cortisol * self.receptor - self.crh)

    @rate("acth")
    def release_acth(self):
        """CRH releases ACTH from the pituitary; cortisol brakes through the glucocorticoid receptor."""
        return self.ln2 / self.acth_half_life * (self.crh * self.pituitary * self.receptor - self.acth)

    @rate("cortisol")
    def release_cortisol(self):
        """ACTH releases cortisol from the adrenal cortex."""
        return self.ln2 / self.cortisol_half_life * (self.acth * self.adrenal - self.cortisol)

    @rate("pituitary")
    def grow_pituitary(self):
        """Corticotrophs grow under CRH above baseline."""
        drive = self.crh * (1 - self.pituitary / self.pituitary_ceiling)
        return self.ln2 / self.pituitary_half_life * self.pituitary * (drive - 1)

    @rate("adrenal")
    def grow_adrenal(self):
        """The adrenal cortex grows under ACTH above baseline."""
        drive = self.acth * (1 - self.adrenal / self.adrenal_ceiling)
        return self.ln2 / self.adrenal_half_life * self.adrenal * (drive - 1)
