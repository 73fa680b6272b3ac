"""
=====================================================
Conductivities from the laboratory, with their errors
=====================================================

A candidate has been made, and the laboratory returns resistances. From these to an activation
energy and a conductivity at 300 K it is a short way, on which much of the uncertainty is commonly
lost. Here we go it with the measurements that the XRDMatch paper printed for its new conductor,
LASeI.
"""

# %%
# The tables
# ----------
# Tables S3 to S5 of the supporting information come with skxrd. Nothing is corrected in them.

import matplotlib.pyplot as plt
import numpy as np

from skxrd.datasets import load_xrdmatch_measurements
from skxrd.transport import (
    ArrheniusDisplay,
    ArrheniusRegressor,
    dc_electronic_conductivity,
    eis_conductivity,
    ionic_transference_number,
)

tables = load_xrdmatch_measurements()

# %%
# Sintering
# ---------
# Table S3: the conductivity at room temperature over the temperature of sintering. At 573 K it is
# 3.5 times that of the pressed powder; more heat does harm.

sintering = tables.sintering.dropna()
raw = tables.sintering["conductivity"][tables.sintering["sintering_temperature"].isna()].item()
print(f"gain at best: {sintering['conductivity'].max() / raw:.1f}")

_, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
ax.plot(
    sintering["sintering_temperature"],
    sintering["conductivity"],
    "o-",
    color="#0072B2",
    label="sintered",
)
ax.axhline(raw, color="#D55E00", linestyle="--", label="not sintered")
ax.set(
    xlabel="Sintering temperature (K)",
    ylabel="σ at 25 °C (S/cm)",
    yscale="log",
    ylim=(2e-5, 1.2e-4),
    yticks=(2e-5, 5e-5, 1e-4),
    yticklabels=("2×10⁻⁵", "5×10⁻⁵", "1×10⁻⁴"),
)
ax.minorticks_off()
ax.legend(frameon=False)
plt.show()

# %%
# From resistance to conductivity
# -------------------------------
# Table S4 computed anew from resistance, thickness and area, next to what is printed. One row does
# not fit: 580 ohm are 1.10e-4 S/cm, and the printed logarithm says so too.

impedance = tables.impedance
conductivity, _ = eis_conductivity(
    impedance["resistance"], thickness=impedance["thickness"], area=impedance["area"]
)
table = impedance[["temperature", "resistance", "conductivity", "log10_conductivity"]].assign(
    computed=conductivity, log10_computed=np.log10(conductivity)
)
formats = dict.fromkeys(["conductivity", "computed"], "{:.2e}".format)
print(table.to_string(index=False, float_format="{:.4f}".format, formatters=formats))

# %%
# The line of Arrhenius
# ---------------------
# Two forms are in use: the logarithm of σ, and that of σT, which is what the theory of jumps and
# the Nernst-Einstein relation give. Their activation energies differ by about k\ :sub:`B`\ T,
# 0.026 eV, which is less than five points with their scatter can tell apart. But it is always the
# same way: which form a number belongs to must be said. The conductivity at 300 K hardly depends
# on it.

temperature = impedance["temperature"].to_numpy()
models = {
    form: ArrheniusRegressor(form).fit(temperature, conductivity) for form in ("sigma", "sigmaT")
}
for form, model in models.items():
    low, high = model.activation_energy_interval_
    (value,), ((value_low, value_high),) = model.predict([300]), model.predict_interval([300])
    print(
        f"{form:7} Ea = {model.activation_energy_:.3f} eV [{low:.3f}, {high:.3f}], "
        f"sigma(300 K) = {value:.2e} S/cm [{value_low:.2e}, {value_high:.2e}]"
    )

display = ArrheniusDisplay.from_estimator(
    models["sigma"], temperature, conductivity, label="LASeI, ln σ"
)
plt.show()

# %%
# Each form has axes of its own, on which it is a straight line.

ArrheniusDisplay.from_estimator(
    models["sigmaT"], temperature, conductivity, label="LASeI, ln σT", color="#D55E00"
)
plt.show()

# %%
# A band tells where the line is. Where one more measurement would be is another question, with a
# wider answer:

((low, high),) = models["sigma"].predict_interval([298], kind="prediction")
print(f"one more measurement at 298 K: {low:.2e} to {high:.2e} S/cm")
print(f"the one in the table:          {conductivity[1]:.2e} S/cm")

# %%
# Errors of the measurement
# -------------------------
# The paper prints no errors. Suppose that the resistance is known to 2 % from pellet to spectrum,
# and the area to 5 %. The area is the same at all temperatures: it moves the whole line and leaves
# the slope alone. So the line gets the error of the resistance only, and that of the area is added
# to the conductivity at 300 K afterwards.

pellet = {"thickness": impedance["thickness"], "area": impedance["area"]}
resistance = impedance["resistance"]
measured = eis_conductivity(resistance, **pellet, resistance_error=0.02 * resistance)
model = ArrheniusRegressor("sigma").fit(temperature, measured.value, y_error=measured.error)
(value,), (error,) = model.predict([300], return_std=True)
total_error = np.hypot(error, 0.05 * value)
low, high = model.activation_energy_interval_
print(f"Ea = {model.activation_energy_:.3f} eV [{low:.3f}, {high:.3f}]")
print(f"sigma(300 K) = {value:.2e} ± {total_error:.0e} S/cm")
print(f"reduced chi-square: {model.reduced_chi_square_:.1f}")

# %%
# A reduced chi-square far above 1 says that these points scatter by more than 2 %, or are not on a
# line. So the 2 % are not believed, and the interval of the activation energy is that of the
# scatter.
#
# How far to trust the intervals
# ------------------------------
# Four temperatures of a simulation, errors from 50 % where ions hardly move to 3 %, and the truth
# is known. How often does a 95 % interval of the activation energy hold it? With errors
# (``y_error``), and with weights that have the same ratios (``sample_weight``), when the errors are
# right and when they are twice as large as was thought:

rng = np.random.default_rng(0)
hot = np.array([600.0, 900.0, 1200.0, 1500.0])
relative = np.array([0.5, 0.15, 0.05, 0.03])
truth = 1e-3 * np.exp(-0.25 / (8.617333262e-5 * hot))
n_draws = 1000

for factor in (1, 2):
    y = truth * np.exp(factor * relative * rng.normal(size=(n_draws, 4)))
    given = {
        "y_error": [{"y_error": relative * row} for row in y],
        "sample_weight": [{"sample_weight": relative**-2}] * n_draws,
    }
    for name, options in given.items():
        fits = [
            ArrheniusRegressor().fit(hot, row, **option)
            for row, option in zip(y, options, strict=True)
        ]
        intervals = np.array([fit.activation_energy_interval_ for fit in fits])
        low, high = intervals.T
        share = np.mean((low <= 0.25) & (0.25 <= high))
        error = np.sqrt(share * (1 - share) / n_draws)
        half = np.median(high - low) / 2
        print(
            f"errors {factor} x as large, {name:13}: holds it {share:.3f} ± {error:.3f}, "
            f"median half width {half:.3f} eV"
        )

# %%
# Known errors give narrow intervals even with four points. Errors that are too small are found out
# only in part, by a scatter that contradicts them. Where they are known up to a factor, weights are
# the safe choice.
#
# Electrons
# ---------
# Table S5: under 0.3 V between electrodes that block ions, what flows in the end is carried by
# electrons. It should be little.

dc = tables.polarization.iloc[0]
electronic, _ = dc_electronic_conductivity(
    dc["current"], dc["voltage"], thickness=dc["thickness"], area=dc["area"]
)
number, _ = ionic_transference_number(conductivity[1], electronic)
print(f"resistance {dc['voltage'] / dc['current']:.1e} ohm (printed: {dc['resistance']:.1e})")
print(f"electronic conductivity {electronic:.2e} S/cm (printed: {dc['conductivity']:.2e})")
print(f"ionic transference number {number:.6f}")
