"""A peer for `cargo bench --bench linkage`: private set intersection of two parties (openmined-psi, ECDH on P-256) on the same machine.

usage: pip install openmined-psi==2.0.6; python3 benches/peers/psi.py 1000 10000 100000

The trust models differ. Here two parties learn the size of the overlap of two sets of numbers, each can try the numbers it likes as often as the
other answers, and nobody counts what stands beside the numbers. Blinded linkage joins rows of any number of nodes by seven roles that
do not trust one another, proves each step, and releases tables only.
"""
import sys
import time

import private_set_intersection.python as psi


def run(n):
    one = ["%09d" % (i * 7) for i in range(n)]
    two = ["%09d" % (i * 14) for i in range(n)]
    cpu, wall = time.process_time(), time.time()
    server, client = psi.server.CreateWithNewKey(False), psi.client.CreateWithNewKey(False)
    setup = server.CreateSetupMessage(1e-9, n, one, psi.DataStructure.RAW)
    request = client.CreateRequest(two)
    response = server.ProcessRequest(request)
    size = client.GetIntersectionSize(setup, response)
    cpu, wall = time.process_time() - cpu, time.time() - wall
    sent = sum(len(m.SerializeToString()) for m in (setup, request, response))
    assert size == sum(1 for i in range(n) if i * 14 < n * 7), size
    print(f"{n} x {n}: {cpu:.2f} s CPU of both parties, {wall:.2f} s, {sent / 1e6:.2f} MB; {1e6 * cpu / (2 * n):.0f} us an element")


for count in [int(a) for a in sys.argv[1:]] or [1_000, 10_000, 100_000]:
    run(count)
