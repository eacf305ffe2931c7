"""Entries of other packages: found as our own, never in their place, and never what takes ours down."""

import warnings

import pytest

from multiweight import get_model_weights, get_weight, list_models
from multiweight.catalogue import as_json, resolve, weights_enums
from multiweight.catalogue._listing import is_default
from multiweight.catalogue._registry import entries_of
from multiweight.errors import MultiweightWarning, UnknownModelError, UnknownWeightsError
from multiweight.models import ResNet18_Weights, ResNet50_Weights, resnet50

from .plugins import HEAD, enum

OWN = ", variant='lab/net', builder='lab.models:net'"


def found():
    """The enums there are now, of which nothing is warned."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return weights_enums()


def test_a_variant_of_its_own_is_found_as_ours_are(install):
    install(lab=HEAD + enum("LabNet_Weights", OWN, ("A_V1", "A_V2")))
    assert list(found())[-1] == "LabNet_Weights"
    entry = get_weight("LabNet_Weights.A_V1")
    assert entry is get_weight("labnet_weights.default") is resolve("lab/net") is resolve("Lab/Net")
    assert get_model_weights("lab/net") is type(entry)
    assert type(entry).builder == "lab.models:net"
    assert "lab/net" in list_models()
    assert list_models("lab.models") == ["lab/net"]
    assert is_default(entry)
    for miss, error in (("LabNett_Weights.A_V1", UnknownWeightsError), ("LabNet_Weights.A_V3", UnknownWeightsError)):
        with pytest.raises(error, match=r"LabNet_Weights|A_V1"):
            get_weight(miss)
    with pytest.raises(UnknownModelError, match="Did you mean lab/net"):
        get_model_weights("lab/nett")


@pytest.mark.parametrize("variant", ["resnet50", "quantized_resnet50", "fcos_resnet50_fpn", "r3d_18"])
def test_further_entries_of_our_variants_leave_ours_as_they_are(install, variant):
    ours, default = get_model_weights(variant), get_model_weights(variant).DEFAULT
    install(lab=HEAD + enum("Lab_Net_Weights", f", variant={variant!r}"))
    entry = found()["Lab_Net_Weights"].A_V1
    assert get_model_weights(variant) is ours
    assert resolve(variant) is ours.DEFAULT is default
    assert entry in entries_of(ours)
    assert entries_of(type(entry)) == [*ours, entry]
    assert (type(entry).builder, type(entry).module) == (ours.builder, ours.module)
    assert not is_default(entry)
    assert is_default(default)
    assert ours.verify(entry) is ours.verify("lab_net_weights.a_v1") is ours.verify("Lab_Net_Weights.DEFAULT") is entry
    with pytest.raises(UnknownWeightsError, match="A_V1"):
        ours.verify("Lab_Net_Weights.A_V2")
    with pytest.raises(
        UnknownWeightsError, match="There is no weights enum 'Lab_Net2_Weights'. Did you mean Lab_Net_W"
    ):
        ours.verify("Lab_Net2_Weights.A_V1")
    with pytest.raises(TypeError, match="another variant"):
        ResNet18_Weights.verify(entry)
    with pytest.raises(TypeError, match="another variant"):
        ResNet18_Weights.verify("Lab_Net_Weights.A_V1")


def test_builders_take_further_entries(install, monkeypatch):
    install(lab=HEAD + enum("Lab_ResNet50_Weights", ", variant='resnet50'"))
    entry = found()["Lab_ResNet50_Weights"].A_V1
    state = resnet50(num_classes=2).state_dict()
    monkeypatch.setattr(type(entry), "get_state_dict", lambda self, *, progress: state)
    for weights in (entry, "Lab_ResNet50_Weights.A_V1", "Lab_ResNet50_Weights.default"):
        assert resnet50(weights=weights).fc.out_features == 2


def test_further_entries_of_another_packages_variant_whatever_the_order(install):
    install(a=HEAD + enum("More_Weights", ", variant='lab/net'"), z=HEAD + enum("LabNet_Weights", OWN))
    more = found()["More_Weights"]
    assert more.builder == "lab.models:net"
    assert get_model_weights("lab/net") is found()["LabNet_Weights"]


@pytest.mark.parametrize(
    "packages",
    [
        {"a": HEAD + "from multiweight.models import *\nfrom multiweight.catalogue.resnet import *\n"},
        {"a": HEAD + enum("A_Weights", OWN) + "Same_Weights = A_Weights\n"},
        {
            "a": HEAD
            + "from multiweight.models import ResNet50_Weights\n"
            + "class Picks_Weights(WeightsEnum):\n    BEST_V1 = ResNet50_Weights.IMAGENET1K_V2.value\n"
            + "class More_Weights(WeightsEnum, variant='resnet50'):\n    V2 = ResNet50_Weights.IMAGENET1K_V2.value\n"
        },
    ],
    ids=["star imports", "two names", "entries listed again"],
)
def test_what_is_listed_again_does_not_clash(install, packages):
    install(**packages)
    assert all(as_json(entry) for enum in found().values() for entry in enum)
    assert found()["ResNet50_Weights"] is ResNet50_Weights
    assert str(ResNet50_Weights.IMAGENET1K_V2.value.__dict__["_member"]) == "ResNet50_Weights.IMAGENET1K_V2"


OURS = "ResNet50_Weights of multiweight (multiweight.catalogue.resnet)"
CLASHES = {
    "our name": ({"lab": enum("ResNet50_Weights", OWN)}, OURS),
    "our name, spelled otherwise": ({"lab": enum("RESNET_50_weights", OWN)}, OURS),
    "our name, for our variant": ({"lab": enum("ResNet50_Weights", ", variant='resnet50'")}, OURS),
    "our variant's name": ({"lab": enum("Res_Net50", OWN)}, OURS),
    "our variant": ({"lab": enum("Lab_Weights", ", variant='resnet50', builder='lab:net'")}, OURS),
    "our variant, spelled otherwise": ({"lab": enum("Lab_Weights", ", variant='ResNet-50', builder='lab:net'")}, OURS),
    "another's name": (
        {"a": enum("Lab_Weights", OWN), "lab": enum("LAB_Weights", ", variant='lab/2', builder='lab:net'")},
        "Lab_Weights of a (a.catalogue)",
    ),
    "another's variant": (
        {"a": enum("A_Weights", OWN), "lab": enum("B_Weights", ", variant='lab/net', builder='lab:net'")},
        "A_Weights of a (a.catalogue), which builds it with lab.models:net",
    ),
    "nobody's variant": ({"lab": enum("B_Weights", ", variant='lab/net'")}, 'builder="module:function"'),
}


@pytest.mark.parametrize(("packages", "whose"), CLASHES.values(), ids=CLASHES)
def test_clashes_are_refused_with_both_owners_named(install, packages, whose):
    before = dict(found())
    install(
        **{
            name: HEAD.replace("*", "ImageClassification, Weights, WeightsEnum") + code
            for name, code in packages.items()
        }
    )
    with pytest.warns(MultiweightWarning) as caught:
        after = weights_enums()
    (said,) = [str(each.message) for each in caught]
    assert " of lab (lab.catalogue) is skipped" in said
    assert whose in said
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + len(packages) - 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (HEAD + "class A_Weights(WeightsEnum):\n    A_V1 = 'a string'\n", "must be a Weights"),
        (HEAD + enum("A_Weights", ", variant=5"), "A_Weights of lab (lab.catalogue) is skipped"),
    ],
    ids=["raises", "lacks a module", "ends the process", "no entry", "an odd variant"],
)
def test_a_broken_package_is_named_and_skipped(install, code, words):
    install(lab=code, other=HEAD + enum("Good_Weights", OWN))
    with pytest.warns(MultiweightWarning, match=r"lab \(lab.catalogue\)") as caught:
        assert "Good_Weights" in weights_enums()
    assert words in str(caught[0].message)


def test_plugins_are_turned_off(install, monkeypatch):
    install(lab=HEAD + enum("LabNet_Weights", OWN))
    monkeypatch.setenv("MULTIWEIGHT_PLUGINS", "0")
    assert "LabNet_Weights" not in found()


BARE = (
    "class Bare_Weights(WeightsEnum, variant='lab/bare', builder='lab:net'):\n"
    "    A_V1 = Weights('https://example.org/a.safetensors', ImageClassification(crop_size=8), {})\n"
)


def test_entries_that_say_little_are_shown_with_what_they_say(install, run):
    install(lab=HEAD + BARE)
    assert "Bare_Weights.A_V1" in run("list").stdout
    assert "unstated" in run("show", "Bare_Weights.A_V1").stdout
    assert "lab/bare" in run("list", "--json").stdout
    assert run("list", "--sort", "size").exit_code == 0


@pytest.mark.parametrize("url", ["ftp://a/b.pth", "https://[/b.pth", "package://no_such_package/b.pth", ""])
def test_an_address_that_is_none_takes_no_other_entry_down(install, run, url):
    install(lab=HEAD + BARE.replace("https://example.org/a.safetensors", url))
    for arguments in (["list"], ["list", "--json"], ["cache", "list"], ["verify"]):
        result = run(*arguments)
        assert result.exit_code == 0, result.output
    assert "Bare_Weights.A_V1" in run("list").stdout


def test_the_command_line_lists_further_entries_with_the_variants_own(install, run):
    install(lab=HEAD + enum("Lab_ResNet50_Weights", ", variant='resnet50'") + enum("LabNet_Weights", OWN))
    lines = [line for line in run("list", "resnet50").stdout.splitlines() if "_Weights." in line]
    names = [line[2:].split()[0] for line in lines]
    (at,) = (number for number, name in enumerate(names) if name == "Lab_ResNet50_Weights.A_V1")
    assert names[at - 1].startswith("ResNet50_Weights.")
    assert not names[at + 1].startswith("ResNet50_Weights.")
    assert [line[2:].split()[0] for line in lines if line.startswith("* ResNet50") or "Lab" in line[:6]] == [
        str(ResNet50_Weights.DEFAULT),
        "Lab_ResNet50_Weights.A_V1",
    ]
    page = run("show", "Lab_ResNet50_Weights.A_V1").stdout
    assert str(ResNet50_Weights.DEFAULT) in page
    assert "from multiweight.models import resnet50; from lab.catalogue import Lab_ResNet50_Weights" in page
    assert "Lab_ResNet50_Weights.A_V1" in run("show", "resnet50").stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("lab", {"lab/net", "LabNet_Weights."}),
        ("labnet_weights.a", {"LabNet_Weights.A_V1", "LabNet_Weights.A_V2"}),
        ("resnet15", {"resnet152", "ResNet152_Weights."}),
        ("no such", set()),
    ],
)
def test_the_shell_offers_names(install, typed, offered):
    from click.shell_completion import ShellComplete

    from multiweight.cli import main

    install(lab=HEAD + enum("LabNet_Weights", OWN, ("A_V1", "A_V2")))
    shell = ShellComplete(main, {}, "multiweight", "_MULTIWEIGHT_COMPLETE")
    for before in (["show"], ["download"], ["verify"], ["predict", "a.jpg", "--weights"], ["lock"]):
        assert {item.value for item in shell.get_completions(before, typed)} == offered
    assert [item.type for item in shell.get_completions(["show"], "./run")] == ["file"]
