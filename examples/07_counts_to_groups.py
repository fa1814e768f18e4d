"""From a counts table to the nine groups of the colon, and what could not be placed."""

from pathlib import Path
from tempfile import TemporaryDirectory

from gutbrain.people.counts import group_shares, read_counts

TABLE = """taxon\tmorning\tevening
d__Bacteria;p__Bacteroidota;f__Bacteroidaceae;g__Bacteroides\t4100\t3600
d__Bacteria;p__Firmicutes;f__Ruminococcaceae;g__Faecalibacterium\t2300\t2800
d__Bacteria;p__Firmicutes;f__Lachnospiraceae;g__\t1500\t1400
d__Bacteria;p__Actinobacteriota;f__Bifidobacteriaceae;g__Bifidobacterium\t700\t900
d__Bacteria;p__Verrucomicrobiota;f__Akkermansiaceae;g__Akkermansia\t250\t210
d__Bacteria;p__Proteobacteria;f__Enterobacteriaceae;g__Escherichia-Shigella\t90\t60
d__Bacteria;p__Fusobacteriota;f__Leptotrichiaceae;g__Leptotrichia\t12\t9
"""

with TemporaryDirectory() as folder:
    path = Path(folder) / "counts.tsv"
    path.write_text(TABLE, encoding="utf-8")
    found = group_shares(read_counts(path))

print(found.table)
print(found.mapping)
print("not placed:", dict(found.unmapped_names().iter_rows()))
for note in found.notes:
    print("note:", note)
