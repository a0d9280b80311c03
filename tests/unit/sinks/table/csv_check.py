#!/usr/bin/env python3
"""Reads the same events as CSV and as JSON lines, and compares cell by cell: csv_check.py FILE.csv FILE.jsonl

Prints the number of rows. Exit status: 0 the same values, 1 not.
"""
import csv
import json
import sys


def is_cell_of(cell, value):
    if value is None:
        return cell == ""
    if isinstance(value, str):
        return cell == value.replace("\0", "\ufffd")
    if isinstance(value, (list, dict)):
        return json.loads(cell) == value
    return cell == json.dumps(value)


def main():
    with open(sys.argv[1], encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    with open(sys.argv[2], encoding="utf-8", newline="\n") as file:
        objects = [json.loads(line) for line in file]
    header, rows = rows[0], rows[1:]
    if len(rows) != len(objects):
        print(f"{len(rows)} rows of CSV, {len(objects)} objects of JSON", file=sys.stderr)
        return 1
    for number, (row, values) in enumerate(zip(rows, objects)):
        if list(values) != header or len(row) != len(header):
            print(f"row {number}: columns {row} under {header}, members {list(values)}", file=sys.stderr)
            return 1
        for cell, (name, value) in zip(row, values.items()):
            if not is_cell_of(cell, value):
                print(f"row {number}, {name}: {cell!r} in CSV, {value!r} in JSON", file=sys.stderr)
                return 1
    print(len(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
