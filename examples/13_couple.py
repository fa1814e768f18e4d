"""Which way does it run: a coupling whose truth is known is drawn, fitted and questioned."""

import numpy as np

from gutbrain.fit.coupling.coupled import coupled
from gutbrain.fit.coupling.maximum import fit
from gutbrain.fit.coupling.model import CouplingModel, Indicator, Process
from gutbrain.fit.coupling.simulate import design, simulate

model = CouplingModel(
    processes=(Process("butyrate", "gut"), Process("mood", "mind")),
    indicators=(Indicator("butyrate", {"butyrate": 1.0}), Indicator("mood", {"mood": 1.0})),
    varying=("mean[butyrate]", "mean[mood]"),
)
usual = {"drift": -0.6, "noise": 1.0, "error": 0.5, "spread": 1.0, "mean": 0.0, "spread_correlation": 0.0}
known = {"drift[mood, butyrate]": 0.3, "drift[butyrate, mood]": 0.1, "noise_correlation[mood, butyrate]": 0.0}
parameters = [model.parameters[at] for at in model.free]
truth = np.array([one.raw(known.get(one.name, usual.get(one.kind, 0.0))) for one in parameters])

days = design(people=30, occasions=40, gap=1.0, irregular=True, model=model)
panel = simulate(model, truth, days, seed=1)
fitted = fit(model, panel)
found = coupled(fitted, lags=np.linspace(0, 5, 11))

print(f"converged: {fitted.converged}; {fitted.diagnostics['evaluations']:.0f} evaluations")
for row in found.parameters.filter(found.parameters["kind"] == "drift").iter_rows(named=True):
    true = known.get(row["parameter"], usual["drift"])
    size = f"{row['estimate']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f}) a day"
    print(f"  {row['parameter']}: {size}, truth {true:+.2f}")
print(found.directions["verdict"][0])
print("What cannot be concluded:", found.cannot[0])
