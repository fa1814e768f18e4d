"""A tree of features: its Newick file, Faith's diversity, and UniFrac."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.spatial.distance import pdist

from gutbrain.analyse.community import Community
from gutbrain.errors import InputError

UNIFRAC = {
    "unweighted-unifrac": "unweighted UniFrac",
    "weighted-unifrac": "weighted UniFrac, not normalised",
    "normalised-unifrac": "weighted UniFrac, normalised to 0-1",
    "generalised-unifrac": "generalised UniFrac, alpha {alpha:g}",
}


@dataclass(frozen=True)
class Tree:
    """A rooted tree as branches.

    Parameters
    ----------
    tips : names of the tips
    lengths : array [branch]; the branch above the root is none
    below : sparse matrix [branch, tip], 1 where the tip hangs on the branch
    notes : what the reader should know
    """

    tips: tuple[str, ...]
    lengths: np.ndarray
    below: sparse.csr_matrix
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class BranchShares:
    """Which share of each sample hangs on each branch.

    Parameters
    ----------
    shares : array [sample, branch], of those branches that some sample reaches
    lengths : array [branch]
    notes : features that the tree does not know, and more
    """

    shares: np.ndarray
    lengths: np.ndarray
    notes: tuple[str, ...] = ()


def read_tree(path: str | Path, midpoint: bool = False) -> Tree:
    """Read a Newick tree, also from a QIIME 2 archive.

    Parameters
    ----------
    path : Newick text, or a `.qza` that holds `data/tree.nwk`
    midpoint : root the tree in the middle of its longest way between tips; a tree without a root needs it

    Raises
    ------
    InputError
        If the file cannot be read, a branch has no length or one below 0, or tips have no or the same name.
    """
    path = Path(path)
    try:
        text = _archived(path) if path.suffix == ".qza" else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, zipfile.BadZipFile, KeyError) as error:
        what = f"the tree cannot be read: {getattr(error, 'strerror', None) or error}"
        raise InputError(what, file=path.name, mend="Give a Newick file") from error
    return tree_of(text, midpoint, path.name)


def tree_of(newick: str, midpoint: bool = False, source: str = "tree") -> Tree:
    """Return the tree that a Newick text describes; arguments and errors as in `read_tree`."""
    from skbio import TreeNode
    from skbio.io import IOSourceError, NewickFormatError, UnrecognizedFormatError

    try:
        root = TreeNode.read(io.StringIO(newick), format="newick", convert_underscores=False, verify=False)
    except (IOSourceError, NewickFormatError, UnrecognizedFormatError, ValueError) as error:
        raise InputError(
            f"this is no Newick tree: {str(error).split('. ')[0].rstrip('.')}", file=source, mend="Give a Newick file"
        ) from error
    notes = []
    if midpoint:
        root = root.root_at_midpoint()
    elif len(root.children) > 2:
        notes.append(
            f"the root of the tree has {len(root.children)} branches, so the tree may have none: UniFrac and Faith's "
            "diversity depend on where it stands"
        )
    nodes = list(root.postorder(include_self=False))
    tips = [node for node in nodes if node.is_tip()]
    names = [node.name for node in tips]
    if len(names) < 2:
        raise InputError(f"the tree has {len(names)} tips", file=source, mend="Give a Newick file")
    if None in names:
        raise InputError("a tip of the tree has no name", file=source, mend="Name it as the feature")
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if twice:
        raise InputError(f"two tips are called {min(twice)!r}", file=source, mend="Keep one")
    for node in nodes:
        if node.length is None or not np.isfinite(node.length) or node.length < 0:
            raise InputError(
                f"the branch above {node.name or 'an inner node'!r} has length {node.length}", file=source,
                mend="Every branch needs a length of 0 or more",
            )  # fmt: skip
    # In postorder the tips below a node stand together: they are a range.
    starts, ends, counted = [], [], 0
    first: dict[int, int] = {}
    for node in nodes:
        first[id(node)] = counted if node.is_tip() else first[id(node.children[0])]
        counted += node.is_tip()
        starts.append(first[id(node)])
        ends.append(counted)
    sizes = np.subtract(ends, starts)
    columns = np.concatenate([np.arange(start, end) for start, end in zip(starts, ends, strict=True)])
    pointers = np.concatenate([[0], np.cumsum(sizes)])
    below = sparse.csr_matrix((np.ones(len(columns)), columns, pointers), shape=(len(nodes), len(tips)))
    return Tree(tuple(names), np.array([float(node.length) for node in nodes]), below, tuple(notes))


def branch_shares(community: Community, tree: Tree) -> BranchShares:
    """Return which share of each sample hangs on each branch; features that are no tips are left out, and said.

    Raises
    ------
    InputError
        If no feature is a tip, or a sample holds nothing that the tree knows.
    """
    place = {name: number for number, name in enumerate(tree.tips)}
    known = np.array([name in place for name in community.names], bool)
    if not known.any():
        raise InputError(
            f"no feature is a tip of the tree: features are such as {community.names[0]!r}, tips such as "
            f"{tree.tips[0]!r}", mend="The rank must be that of the tree, and names must agree",
        )  # fmt: skip
    notes = list(tree.notes)
    values = community.values[:, known]
    if not known.all():
        lost = 1 - (community.shares()[:, known]).sum(axis=1)
        absent = [name for name, there in zip(community.names, known, strict=True) if not there]
        notes.append(
            f"{len(absent)} of {len(known)} features are no tips of the tree ({', '.join(absent[:3])} ...) and were "
            f"left out: {lost.mean():.1%} of a sample in the mean, {lost.max():.1%} at most"
        )
    total = values.sum(axis=1, keepdims=True)
    if (total <= 0).any():
        raise InputError(
            "the sample holds nothing that the tree knows", file="abundances",
            row=community.samples["sample"][int(np.argmin(total[:, 0]))], mend="Leave it out, or take another tree",
        )  # fmt: skip
    at = [place[name] for name, there in zip(community.names, known, strict=True) if there]
    shares = np.asarray((tree.below[:, at] @ (values / total).T).T)
    reached = (shares > 0).any(axis=0)
    return BranchShares(shares[:, reached], tree.lengths[reached], tuple(notes))


def faith(branches: BranchShares) -> np.ndarray:
    """Return Faith's phylogenetic diversity, array [sample], in the units of the tree's branches.

    The length of all branches between the root and what the sample holds (the root included, as QIIME and picante's
    `include.root`). Source: Faith 1992, doi 10.1016/0006-3207(92)91201-3.
    """
    return np.asarray((branches.shares > 0) @ branches.lengths)


def unifrac(branches: BranchShares, metric: str, alpha: float = 0.5) -> np.ndarray:
    """Return a UniFrac distance of all pairs, condensed array [pair].

    With L the length of a branch, a and b the shares of two samples that hang on it, and sums over branches:

    unweighted-unifrac : L of branches that lead to one of the samples / L of those that lead to any, up to the root.
        Source: Lozupone & Knight 2005, doi 10.1128/AEM.71.12.8228-8235.2005.
    weighted-unifrac : sum L |a - b|, in the units of the tree. This is `weighted_unifrac` of QIIME.
    normalised-unifrac : sum L |a - b| / sum L (a + b), 0 to 1. The divisor is the mean way from the root to what the
        samples hold, summed over both. This is `weighted_normalized_unifrac` of QIIME, and what phyloseq gives by
        default for `wunifrac`. Source of both: Lozupone et al. 2007, doi 10.1128/AEM.01996-06.
    generalised-unifrac : sum L (a + b)^alpha |a - b| / (a + b) / sum L (a + b)^alpha. At alpha 1 it is the normalised
        one. Source: Chen et al. 2012, doi 10.1093/bioinformatics/bts342.

    Raises
    ------
    InputError
        If alpha is not within 0-1.
    """
    shares, lengths = branches.shares, branches.lengths
    if metric == "unweighted-unifrac":
        there = (shares > 0).astype(float)
        shared = (there * lengths) @ there.T
        own = np.diag(shared)
        either = own[:, None] + own[None, :] - shared
        apart = np.clip(_ratio(either - shared, either), 0, 1)
        return np.asarray(apart[np.triu_indices(len(apart), 1)])
    if metric == "weighted-unifrac":
        return np.asarray(pdist(shares * lengths, "cityblock"))
    if metric == "normalised-unifrac":
        return np.nan_to_num(pdist(shares * lengths, "braycurtis"))
    if not 0 <= alpha <= 1:
        raise InputError(f"alpha of generalised UniFrac is {alpha:g}", field="alpha", mend="0 to 1")
    power = np.sqrt if alpha == 0.5 else lambda values: np.power(values, alpha)  # a root is far faster
    # Where one sample has nothing on a branch, both sums have L b^alpha there: only other branches must be looked at.
    own = np.where(shares > 0, power(shares), 0) * lengths
    alone = own @ (shares == 0).T.astype(float)
    rows = []
    for place in range(len(shares) - 1):
        reached = np.flatnonzero(shares[place])
        one, other = shares[place, reached], shares[place + 1 :, reached]
        both = one + other
        weight = power(both) * lengths[reached]
        rest = alone[place + 1 :, place]
        above = (weight * np.abs(one - other) / both).sum(axis=1)
        rows.append(_ratio(above + rest, weight.sum(axis=1) + rest))
    return np.concatenate(rows)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide; samples that share one tip of no length are at distance 0."""
    return np.asarray(np.divide(above, below, out=np.zeros_like(above), where=below > 0))


def _archived(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        inside = [name for name in archive.namelist() if name.endswith("/data/tree.nwk")]
        if not inside:
            raise KeyError("the archive holds no tree")
        return archive.read(inside[0]).decode()
