"""What every benchmark script does with its figures: collect them, compare them with their goals, print and write them."""
import json
import os
import sys


def warn_of_load():
    load = os.getloadavg()[0]
    if load > 1:
        print(f"load average {load:.1f}: something else is running; the figures will be worse than on a quiet machine", file=sys.stderr)


class Figures:
    """Rows of {"name", "value", "unit", "goal"}; a goal is "" or like "<= 0.15"."""

    def __init__(self):
        self.rows = []

    def add(self, name, value, unit, goal=""):
        self.rows.append({"name": name, "value": round(value, 4), "unit": unit, "goal": goal})

    @staticmethod
    def met(row):
        """Whether the row's goal is met; None if it has none."""
        if not row["goal"]:
            return None
        relation, bound = row["goal"].split()
        return row["value"] <= float(bound) if relation == "<=" else row["value"] >= float(bound)

    def finish(self, output, check, hidden=()):
        """Print, but for names that begin with `hidden`; write all to `output`. Returns the exit status: 1 if `check` and a goal is missed."""
        width = max(len(row["name"]) for row in self.rows) + 2
        print(f"\n{'':{width}}{'value':>15}{'goal':>15}")
        for row in self.rows:
            if hidden and row["name"].startswith(hidden):
                continue
            value = f"{row['value']:.3f}" if row["value"] < 1000 else f"{row['value']:,.0f}"
            mark = "  missed" if self.met(row) is False else ""
            print(f"{row['name']:{width}}{value:>15}{row['goal']:>15}{mark}   {row['unit']}")
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(self.rows, indent=1) + "\n")
        print(f"\nwritten to {output}")
        return 1 if check and any(self.met(row) is False for row in self.rows) else 0
