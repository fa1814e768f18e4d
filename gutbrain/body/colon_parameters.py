"""Numbers of the colon: nine microbial groups, five substrates, stoichiometry and host.

Most are assumed or fitted; every one is the middle of a wide prior (`docs/decisions/0002-colon-spreads.md`).
"""

from gutbrain.model.compartment import Param
from gutbrain.model.spread import LogNormal, Normal, Uniform

GROUPS = (
    "bacteroidetes", "polymer_degraders", "butyrate_producers", "lactate_producers", "lactate_users",
    "akkermansia", "pathobionts", "protein_fermenters", "hydrogen_users",
)  # fmt: skip
SUBSTRATES = ("resistant_starch", "fibre", "sugar", "protein", "mucin")
SUGAR, PROTEIN, MUCIN = 2, 3, 4

# What can be known about a vector entry is far less than one draw each of a wide prior would say.
NARROW = LogNormal.gsd(1.1)
OPEN = LogNormal.gsd(1.5)
WITHIN_ENTROPY_SD = (0.51, 0.36, 0.25, 0.45, 0.29, 0.0, 0.44, 0.25, 0.17)
WITHIN_ENTROPY_HIGH = (2.773, 3.989, 2.303, 2.708, 2.197, 0.0, 2.639, 2.197, 0.693)


class ColonParameters:
    """Parameters of `Colon`, apart from its equations."""

    # -- host and surroundings ------------------------------------------------------------------
    water_density = Param(1000, "g/L", source="assumed", grade="assumed", about="grams of lumen water in a litre")
    water_inflow = Param(
        1200, "g/day", source="Kettle2022", grade="assumed", belief=Uniform(500, 1750),
        about="water entering the colon; Kettle 2022 uses 1100",
    )  # fmt: skip
    water_absorption = Param(
        10.3, "1/day", source="Kettle2022", grade="derived", belief=LogNormal.gsd(1.1),
        about="9 / transit, 90 % absorbed in one tank; spread narrow, more leaves the measured range of water",
    )  # fmt: skip
    acid_absorption = Param(
        34, "1/day", source="Cummings1987", grade="fitted", belief=LogNormal.gsd(1.2),
        about="to total acids of 80-125 mM; the measured 9.6 per day holds for three tanks, not for one",
    )  # fmt: skip
    hydrogen_loss = Param(24, "1/day", source="assumed", grade="assumed", belief=OPEN, about="absorbed and exhaled")
    ph_intercept = Param(
        7.237, "1", source="assumed", grade="assumed", belief=Normal(sd=0.1),
        about="same pH at 90 mM as the published line (Kettle 2022)",
    )  # fmt: skip
    ph_slope = Param(
        0.0087, "1/mM", source="assumed", grade="assumed", belief=LogNormal.gsd(1.15),
        about="half of the published slope, which was drawn through three regions; the host buffers",
    )  # fmt: skip
    ph_clip_width = Param(0.75, "1", source="assumed", grade="assumed", belief=OPEN, about="smooth hold in 5 to 8")
    ph_width = Param(0.12, "1", source="assumed", grade="assumed", belief=OPEN, about="steepness of the pH limits")
    pka = Param(4.8, "1", source="assumed", grade="recalled", about="dissociation constant of the three acids")
    acid_half = Param(
        5,
        "mM",
        source="assumed",
        grade="assumed",
        belief=OPEN,
        about="undissociated acid that halves pathobiont growth",
    )
    acetate_half = Param(
        5, "mM", source="assumed", grade="assumed", belief=OPEN, about="acetate need of butyrate producers, saturated"
    )
    noradrenaline_gain = Param(
        0.15, "1", source="Freestone2003", grade="assumed", belief=LogNormal(log_sd=0.7),
        about="pathobiont growth per unit of threat; seen at small inocula in serum media (in vitro)",
    )  # fmt: skip
    nitrate_gain = Param(
        0, "1", source="assumed", grade="assumed", belief=Uniform(0, 1), closed=True,
        about="pathobiont growth per unit of excess inflammation",
    )  # fmt: skip
    spill = Param(
        0.108, "1", source="assumed", grade="assumed", belief=OPEN, about="share of cleaved polymer lost as sugar"
    )
    richness_time = Param(20, "day", source="assumed", grade="assumed", belief=OPEN, about="return of richness")
    richness_kill = Param(
        0.03, "1", source="assumed", grade="assumed", belief=LogNormal.gsd(2),
        about="richness lost per unit of antibiotic dose; to be fitted to CO-10",
    )  # fmt: skip
    richness_food = Param(
        0.002, "1/serving", source="assumed", grade="assumed", belief=LogNormal.gsd(3),
        about="six servings a day settle at 1.24",
    )  # fmt: skip
    serving_cells = Param(
        0.01, "g/serving", source="assumed", grade="assumed", belief=LogNormal.gsd(3),
        about="lactate producers that arrive alive; 1e10 cells are about 0.01-0.03 g dry (recalled)",
    )  # fmt: skip
    bile_acid_conversion = Param(
        2.6, "1/gram/day", source="assumed", grade="assumed", belief=LogNormal.gsd(3), about="half converted at rest"
    )
    endotoxin_weight = Param(
        (0.05, 0, 0, 0, 0, 0.02, 1, 0.3, 0), "1", over="group", source="Vatanen2016", grade="assumed",
        belief=LogNormal(log_sd=(0.405, 0, 0, 0, 0, 0.405, 0, 0.405, 0)),
        about="potency of lipid A against pathobionts; carries the whole microbe-to-barrier link",
    )  # fmt: skip
    bacteroidetes_mucin_share = Param(
        0.15, "1", source="assumed", grade="assumed", belief=OPEN, about="mucin eating against Akkermansia"
    )
    endotoxin_rest = Param(
        3.806, "g/L", source="Kettle2022", grade="derived", settled="colon.endotoxin_amount", about="own settled load"
    )
    mucin_degrader_rest = Param(
        0.06201,
        "1",
        source="Kettle2022",
        grade="derived",
        settled="colon.mucin_degrader_share",
        about="own settled share",
    )

    # -- groups -----------------------------------------------------------------------------------
    maximum_growth = Param(
        (
            (7.96, 7.96, 11.14, 4.78, 3.98), (14.88, 12.76, 0, 0, 0), (9.07, 11.34, 15.88, 0, 0),
            (7.74, 6.77, 19.34, 0, 1.93), (7.09, 7.09, 18.91, 0, 0), (0, 0, 0, 0, 15.49),
            (0, 0, 41.34, 7.75, 0), (0, 0, 0, 13.53, 0), (3.88, 3.88, 9.71, 0, 0),
        ),
        "1/day", over=("group", "substrate"), source="Kettle2022", grade="fitted", belief=NARROW,
        about="pattern shaped on Kettle 2022 (assumed) times one fitted scale a group: rest composition set by hand",
    )  # fmt: skip
    eats = Param(
        (
            (1, 1, 1, 1, 1), (1, 1, 0, 0, 0), (1, 1, 1, 0, 0), (1, 1, 1, 0, 1), (1, 1, 1, 0, 0),
            (0, 0, 0, 0, 1), (0, 0, 1, 1, 0), (0, 0, 0, 1, 0), (1, 1, 1, 0, 0),
        ),
        "1", over=("group", "substrate"), source="Kettle2022", grade="assumed",
        about="which substrates compete, 0 or 1",
    )  # fmt: skip
    spills = Param(
        ((1, 1, 0, 0, 0), (1, 1, 0, 0, 0), *((0, 0, 0, 0, 0),) * 7),
        "1", over=("group", "substrate"), source="assumed", grade="assumed",
        about="who spills from which polymer, 0 or 1",
    )  # fmt: skip
    growth_scale = Param(
        (1,) * 9, "1", over="group", source="assumed", grade="assumed",
        between=LogNormal(log_sd=(0.25, 0.25, 0.25, 0.25, 0.25, 0.15, 0.10, 0.15, 0.25)),
        about="how well a group thrives in this person; rare groups differ less, or they are lost",
    )  # fmt: skip
    ph_low = Param(
        (5.5, 5.2, 4.9, 4.6, 4.9, 5.4, 5.2, 5.6, 5.3), "1", over="group", source="Kettle2022", grade="assumed",
        belief=Normal(sd=0.05), about="foot of the acid limit; half growth 0.35 above",
    )  # fmt: skip
    ph_high = Param(
        (8.5, 8.2, 7.9, 7.9, 7.8, 8.0, 9.0, 9.0, 8.2), "1", over="group", source="Kettle2022", grade="assumed",
        belief=Normal(sd=0.05), about="foot of the alkaline limit; half growth 0.35 below",
    )  # fmt: skip
    lysis = Param(
        (0.020, 0.024, 0.020, 0.060, 0.060, 0.12, 0.16, 0.080, 0.080), "L/gram/day", over="group",
        source="assumed", grade="assumed", belief=NARROW,
        about="phages kill the winner: loss per density, what keeps nine groups alive",
    )  # fmt: skip
    antibiotic_kill = Param(
        (1, 1.2, 1.3, 1, 1, 1.2, 0.3, 0.8, 0.9), "1", over="group", source="assumed", grade="assumed", belief=NARROW,
        about="sensitivity to a broad-spectrum antibiotic",
    )  # fmt: skip
    seeding = Param(
        (0.004, 0.004, 0.004, 0.002, 0.002, 0.001, 0.001, 0.001, 0.0004), "g/day", over="group",
        source="assumed", grade="assumed", belief=NARROW, about="from crypts, appendix and diet",
    )  # fmt: skip
    within_entropy = Param(
        (1.62, 2.41, 1.52, 1.62, 1.15, 0.0, 1.85, 1.40, 0.47), "1", over="group", source="Lahti2014", grade="measured",
        between=Normal(sd=WITHIN_ENTROPY_SD, low=0, high=WITHIN_ENTROPY_HIGH),
        about="Shannon entropy inside a group, 1151 samples on a 130-taxon chip; other platforms differ",
    )  # fmt: skip

    # -- substrates -------------------------------------------------------------------------------
    cell_yield = Param(
        (0.33, 0.29, 0.33, 0.20, 0.25), "1", over="substrate", source="Kettle2022", grade="published-model",
        belief=NARROW, about="g cells per g substrate; mucin assumed",
    )  # fmt: skip
    half_saturation = Param(
        (0.5, 0.5, 0.1, 0.5, 0.3), "g/L", over="substrate", source="assumed", grade="assumed", belief=NARROW,
        about="Kettle 2022 has 0.001, extremely stiff; the steady state hardly depends on it",
    )  # fmt: skip
    substrate_carbon = Param(
        (33.304, 33.304, 33.304, 44, 33.8), "mmol/g", over="substrate", source="assumed", grade="derived",
        about="hexose 6/180.16; protein 53 % carbon (recalled); mucin three quarters carbohydrate",
    )  # fmt: skip
    cell_carbon = Param(44.248, "mmol/g", source="assumed", grade="derived", about="C5H7O2N, 113 g/mol")
    lactate_growth = Param(
        9.46, "1/day", source="assumed", grade="fitted", belief=OPEN, about="lactate users on lactate"
    )
    lactate_half = Param(1, "mM", source="assumed", grade="assumed", belief=OPEN, about="half-saturation")
    lactate_yield = Param(0.004, "g/mmol", source="assumed", grade="assumed", belief=NARROW, about="cells per lactate")
    hydrogen_growth = Param(
        2.91, "1/day", source="assumed", grade="fitted", belief=OPEN, about="hydrogen users on hydrogen"
    )
    hydrogen_half = Param(0.05, "mM", source="assumed", grade="assumed", belief=OPEN, about="half-saturation")
    hydrogen_yield = Param(
        0.0009, "g/mmol", source="assumed", grade="assumed", belief=NARROW, about="cells per hydrogen"
    )

    # -- stoichiometry: not drawn, because independent draws would break the balances ----------------
    nu_acetate = Param(
        (1.4, 1.7, -0.5, 1.8333, 0.4333, 0, 1, 0, 3), "1", over="group",
        source="Cummings1987 Kettle2022", grade="fitted",
        about="mol per mol hexose fermented; fitted to CO-2 in the first three groups, pathobionts assumed",
    )  # fmt: skip
    nu_propionate = Param(
        (0.6, 0.3, 0, 0, 0.6667, 0, 0.1, 0, 0), "1", over="group", source="Cummings1987 Kettle2022", grade="fitted",
        about="mol per mol hexose fermented",
    )  # fmt: skip
    nu_butyrate = Param(
        (0, 0, 1.1, 0, 0.45, 0, 0, 0, 0), "1", over="group", source="Cummings1987 Kettle2022", grade="fitted",
        about="mol per mol hexose fermented",
    )  # fmt: skip
    nu_lactate = Param(
        (0, 0, 0.1667, 0.6667, 0, 0, 0.7, 0, 0), "1", over="group", source="Kettle2022", grade="published-model",
        about="mol per mol hexose fermented; pathobionts assumed",
    )  # fmt: skip
    protein_acetate = Param(3.5, "mmol/g", source="assumed", grade="assumed", about="per g not turned into cells")
    protein_propionate = Param(1.8, "mmol/g", source="assumed", grade="assumed", about="per g not turned into cells")
    protein_butyrate = Param(0.8, "mmol/g", source="assumed", grade="assumed", about="per g not turned into cells")
    protein_hydrogen = Param(2, "mmol/g", source="assumed", grade="assumed", about="per g not turned into cells")
    mucin_acetate = Param(4, "mmol/g", source="assumed", grade="assumed", about="per g not turned into cells")
    mucin_propionate = Param(3, "mmol/g", source="assumed", grade="assumed", about="per g not turned into cells")
    lactate_acetate = Param(
        0.0784, "1", source="assumed", grade="derived",
        about="acetate taken per lactate: half by the butyrate route, half by the propionate route",
    )  # fmt: skip
    lactate_propionate = Param(0.3136, "1", source="assumed", grade="derived", about="propionate per lactate used")
    lactate_butyrate = Param(0.3529, "1", source="assumed", grade="derived", about="butyrate per lactate used")
    lactate_hydrogen = Param(0.2353, "1", source="assumed", grade="derived", about="hydrogen per lactate used")
    hydrogen_acetate = Param(0.12, "1", source="assumed", grade="assumed", about="acetate per hydrogen used")
    hydrogen_methane = Param(0.110, "1", source="assumed", grade="assumed", about="methane per hydrogen used")
