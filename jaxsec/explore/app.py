"""The page of `jaxsec explore`, a marimo notebook: a cell runs again where a slider moves."""

# pyright: reportRedeclaration=false

import marimo

app = marimo.App(width="full", app_title="jaxsec explore")


@app.cell
def _():
    import tempfile
    from pathlib import Path

    import jax
    import marimo as mo
    import numpy as np

    from jaxsec.checks import InputError
    from jaxsec.explore import figure
    from jaxsec.explore import view as views

    jax.config.update("jax_disable_most_optimizations", True)  # one channel: compiling is the wait
    return InputError, Path, figure, mo, np, tempfile, views


@app.cell
def _(mo, views):
    def pick(field, label):
        return mo.ui.dropdown(list(views.OFFERED[field]), DEFAULTS[field], label=label)

    def slide(low, high, step, value, label):
        return mo.ui.slider(low, high, step, value, label=label, include_input=True)

    DEFAULTS = {field: getattr(views.Choice, field) for field in views.OFFERED}
    num_users = slide(1, 4, 1, 2, "users")
    num_eves = slide(0, 4, 1, 2, "eavesdroppers")
    choice = mo.ui.dictionary(
        {
            "method": pick("method", "method"),
            "objective": pick("objective", "objective"),
            "power": pick("power", "power limited"),
            "error_user": slide(0.0, 0.3, 0.01, 0.0, "CSI error of users"),
            "error_eve": slide(0.0, 1.0, 0.05, 0.0, "CSI error of eavesdroppers"),
            "num_antennas": slide(2, 16, 1, 8, "antennas"),
            "transmit_power_dbm": slide(-10.0, 40.0, 1.0, 20.0, "transmit power (dBm)"),
            "rician_factor_db": slide(-10.0, 20.0, 1.0, 10.0, "Rician factor (dB)"),
        }
    )
    return choice, num_eves, num_users, slide


@app.cell
def _(mo, num_eves, num_users, slide):
    def places(count, what, first_deg):
        return mo.ui.array(
            [
                mo.ui.dictionary(
                    {
                        "range_m": slide(5.0, 120.0, 1.0, 60.0 + 10.0 * i, f"{what} {i}: m"),
                        "angle_deg": slide(-60.0, 60.0, 1.0, first_deg + 25.0 * i, "degrees"),
                    }
                )
                for i in range(count)
            ]
        )

    users = places(num_users.value, "user", -20.0)
    eves = places(num_eves.value, "eavesdropper", -30.0)
    return eves, users


@app.cell
def _(choice, eves, mo, num_eves, num_users, users):
    def row(elements):
        return mo.hstack(list(elements), justify="start", gap=2, wrap=True)

    def placed(array):
        return [row(each.elements.values()) for each in array.elements]

    mo.vstack(
        [
            row(choice.elements.values()),
            row([num_users, num_eves]),
            mo.hstack([mo.vstack(placed(users)), mo.vstack(placed(eves))], wrap=True, gap=2),
        ]
    )
    return


@app.cell
def _(InputError, choice, eves, mo, np, users, views):
    def positions(values):
        range_m = np.array([each["range_m"] for each in values])
        angle = np.deg2rad([each["angle_deg"] for each in values])
        return np.stack([range_m * np.cos(angle), range_m * np.sin(angle)], axis=-1)

    view = problem = None
    try:
        view = views.look(
            positions(users.value), positions(eves.value), views.Choice(**choice.value)
        )
    except InputError as error:
        problem = str(error)
    mo.callout(problem, kind="warn") if view is None else mo.md(
        f"**{sum(row['secrecy rate'] for row in views.users_table(view)):.2f} bit/s/Hz** in sum, "
        f"designed in {view.seconds:.2g} s (the first of a kind with its compilation)"
    )
    return problem, view


@app.cell
def _(figure, mo, view):
    mo.stop(view is None)
    figure.plot(view)
    return


@app.cell
def _(mo, view, views):
    mo.stop(view is None)
    mo.hstack(
        [
            mo.ui.table(rows, selection=None)
            for rows in (views.users_table(view), views.eves_table(view))
            if rows
        ],
        widths="equal",
    )
    return


@app.cell
def _(Path, mo, tempfile, view, views):
    mo.stop(view is None)
    with tempfile.TemporaryDirectory() as folder:
        exported = {path.name: path.read_bytes() for path in views.export(view, Path(folder))}
    mo.hstack(
        [mo.download(data, filename=name, label=name) for name, data in exported.items()],
        justify="start",
    )
    return (exported,)


if __name__ == "__main__":
    app.run()
