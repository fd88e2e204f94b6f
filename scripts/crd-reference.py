#!/usr/bin/env python3
"""crd-reference.py [--check]: writes docs/crd-reference.md from crds/*.yaml, or says whether it is up to date."""

import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "crd-reference.md"
HEAD = """# The custom resources

Made from `crds/` by `scripts/crd-reference.py`; `kubectl explain dbcluster.spec` says the same. A rule that a manifest breaks is
named by the API server when it is applied.
"""


def kind_of(schema):
    if "enum" in schema:
        return " \\| ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "integer or string" if schema.get("x-kubernetes-int-or-string") else "any")
    if kind == "array":
        return f"list of {kind_of(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map of {kind_of(schema['additionalProperties'])}"
    return kind


def default_of(schema):
    if schema.get("default") in (None, {}):
        return ""
    value = schema["default"]
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def meaning_of(schema):
    words = [" ".join(schema.get("description", "").split())]
    words += [f"*{rule['message']}*" for rule in schema.get("x-kubernetes-validations", []) if "message" in rule]
    return "; ".join(word.rstrip(".") for word in words if word).replace("|", "\\|")


def rows(schema, path, required=()):
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        default = default_of(field) or ("must be there" if name in required else "")
        yield f"| `{here}` | {kind_of(field)} | {default} | {meaning_of(field)} |"
        inner, mark = (field["items"], "[]") if field.get("type") == "array" else (field, "")
        yield from rows(inner, here + mark, inner.get("required", ()))


def page():
    lines = [HEAD]
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        for crd in yaml.safe_load_all(path.read_text()):
            spec = crd["spec"]
            for version in spec["versions"]:
                schema = version["schema"]["openAPIV3Schema"]
                names = spec["names"]
                lines += [f"## {names['kind']} (`{spec['group']}/{version['name']}`)", "", meaning_of(schema) + ".", "",
                          f"Short name `{', '.join(names.get('shortNames', []))}`; `kubectl get {names['plural']}`."]
                for part in ("spec", "status"):
                    fields = schema["properties"][part]
                    lines += ["", f"### {part}", "", "| field | type | default | meaning |", "|---|---|---|---|",
                              *rows(fields, "", fields.get("required", ()))]
                lines.append("")
    return "\n".join(lines)


def main():
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text)
        return
    if not PAGE.exists() or PAGE.read_text() != text:
        sys.exit("docs/crd-reference.md is not what crds/ say: run scripts/in-toolchain.sh scripts/crd-reference.py")


if __name__ == "__main__":
    main()
