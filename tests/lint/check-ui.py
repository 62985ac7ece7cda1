#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates are well-formed, every button that shows only an icon has words for a screen reader,
and every word a person reads can be translated."""

import xml.etree.ElementTree as xml

import source_tree

BUTTONS = {"GtkButton", "GtkToggleButton", "GtkMenuButton", "AdwSplitButton"}
WORDS = {
    "label", "title", "subtitle", "description", "tooltip-text", "placeholder-text", "text",
    "heading", "body", "secondary-text", "dropdown-tooltip",
}
NAMES = {"Innkeeper"}  # the same in every language


def _name(element):
    return element.get("name", "").replace("_", "-")


def _properties(element):
    return {_name(child): child for child in element.findall("property")}


def _has_accessible_words(element):
    for accessibility in element.findall("accessibility"):
        for child in accessibility:
            if _name(child) in ("label", "labelled-by"):
                return True
    return "tooltip-text" in _properties(element)


def _button_complaint(element):
    if element.get("class") not in BUTTONS or "icon-name" not in _properties(element):
        return None
    if "label" in _properties(element) or _has_accessible_words(element):
        return None
    icon = _properties(element)["icon-name"].text
    return f"the button with the icon {icon} has neither a label nor a tooltip"


def _words_complaint(element):
    words = element.text or ""
    if element.tag not in ("property", "attribute") or _name(element) not in WORDS:
        return None
    if words in NAMES or not any(letter.isalpha() for letter in words):
        return None
    if element.get("translatable"):
        return None
    return f'"{words}" is shown but not marked translatable'


def _complaints(path):
    try:
        root = xml.parse(source_tree.ROOT / path).getroot()
    except xml.ParseError as error:
        yield f"{path}: {error}"
        return
    for element in root.iter():
        for complaint in (_button_complaint(element), _words_complaint(element)):
            if complaint:
                yield f"{path}: {complaint}"


source_tree.report(
    [complaint for path in source_tree.files("*.ui") for complaint in _complaints(path)],
    "A screen reader reads a button's label or tooltip; translators see what is translatable.",
)
