"""A model as a tree that a physicist can check against a paper."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theory.model import Model
    from theory.species import Species


def describe(model: "Model") -> str:
    """The model as a tree."""
    lines = [f"model in {model.dimension}D, {model.number_of_species} species"]
    for one in model.species:
        lines += _describe_species(model, one)
    if model.parameters:
        lines.append("├─ parameters: " + ", ".join(f"{name} = {value:g}" for name, value in model.parameters.items()))
    lines += [f"├─ chemical {chemical}" for chemical in model.chemicals]
    names = model.names
    lines += [f"├─ {names[s]} acts on {names[o]}: {law}" for (o, s), law in model.interactions.items()]
    lines += [f"├─ to fields of {names[o]}, {names[s]} appears as: {one}" for (o, s), one in model.mean_field.items()]
    sensing = model.sensing
    lines.append(
        f"└─ sensing: {sensing.kernel} kernel, range {sensing.range:g}, "
        f"a particle {'senses' if sensing.count_self else 'does not sense'} itself"
    )
    lines.extend(f"   └─ {p.observer} senses {p.source}: {p.kernel} kernel, range {p.range:g}" for p in sensing.pairs)
    return "\n".join(lines)


def _describe_species(model: "Model", one: "Species") -> list[str]:
    lines = [
        f"├─ {one.name}",
        f"│  ├─ motion: {one.motion} (persistence time {one.motion.time(model.dimension):g})",
    ]
    if one.translational_diffusion:
        lines.append(f"│  ├─ translational diffusion {one.translational_diffusion:g}")
    if any(observer == model.index(one.name) for observer, _ in (*model.interactions, *model.mean_field)):
        lines.append(f"│  ├─ drag: translational {one.translational_drag:g}, rotational {one.rotational_drag:g}")
    lines += [f"│  ├─ chemotaxis by {response.chemical}: {response}" for response in one.chemotaxis]
    head = "│  └─ speed = "
    for n, text in enumerate(model.motility[one.name].pretty.splitlines()):
        lines.append((head if n == 0 else "│" + " " * (len(head) - 1)) + text)
    return lines
