// The words of docs/swarm-simulation.md. The tables come from write-docs.ts.

export interface PageTables {
  readonly pipeline: string;
  readonly main: string;
  readonly policy: string;
  readonly surroundings: string;
  readonly degree: string;
}

export function pageText({ pipeline, main, policy, surroundings, degree }: PageTables): string {
  return `# Swarms in simulation

Written by \`pnpm simulate\` (\`bench/swarm-sim/write-docs.ts\`); a run gives the same figures each time.
\`pnpm bench '^swarm-sim'\` runs single cases.

## What it is

\`bench/swarm-sim\` runs the state machines of goshare as they are, thousands of peers in one process, in time that
passes only from event to event: \`Offering\` with its upload queue, \`UplinkLoad\` and \`RateBudget\` on the giving side,
\`ChunkScheduler\`, \`RequestWindow\`, \`Intake\`, \`Relief\` and the answers to offers on the asking side. What is around
them is a model:

- An uplink is one of two kinds, because they differ. **link**: a chunk takes its size over the rate, and those on their
  way share the link, but for what their receivers cannot take. **limit**: what \`--upload-limit\` does on a fast network:
  a chunk goes at once and is paid for afterwards, so that a swarm may be a little quicker than the bound.
- A message takes half of the RTT. Verifying a chunk takes 1 to 8 ms; then all neighbours are told at once.
- Downloaders come within 20 ms and are connected to all neighbours that are there. Up to 17 peers everybody knows
  everybody; in larger swarms each, the sharer too, has 16 neighbours drawn at random.
- All send at 4 MiB/s; M chunks of 1 MiB; nobody leaves. Who leaves does so in the middle of what it sends, and who has
  lost a neighbour is connected to another at once. Everything else is said where it is changed.

Figures are the time until the last of N downloaders has everything over the lower bound
(\`bench/swarm/lower-bound.ts\`): mean of the seeds 1 to 5 and, if it differs, the worst of them in brackets. N=1,000
was run once.

Not modelled: TCP (slow start, loss, what the kernel buffers), processors, disks and memory, requests that are refused
as BUSY, wrong chunks. For uplinks that are not equal the bound is loose, so those figures overstate. With churn and
late arrivals it is the bound for a swarm in which all are there from the first moment on.

## Is it right?

The best schedule there is for equal uplinks, the binomial pipeline of Ganesan and Seshadri, takes just as long through
the links of the simulator as the bound says, without latency:

${pipeline}

\`test/bench\` checks this, that nobody sends more than its uplink allows, that every chunk comes to everybody once, and
that one downloader takes as long as the sharer needs to send everything. Real processes under upload limits on one
machine (\`pnpm bench '^swarm/'\`, RTT below 1 ms; medians) took 0.97 of the bound for 4 and 8 downloaders and 1.01 for 16;
compare "limit, 1 ms" below. With 128 MiB and 2 MiB/s 32 took 1.02–1.03, where the simulator says 0.99.

## Equal uplinks

${main}

N=10,000 on links, 50 ms, M=64 (\`pnpm bench '^swarm-sim/link/10000'\`): 1.14. It takes 7 minutes on one core, and 2.5 GiB.

## Changes to the policy

50 ms, M=64. "Beyond need": an offer is made so much earlier.

${policy}

## Other surroundings

50 ms, M=64. Slow receivers: every fourth receives at a quarter of u; "the others" are those who do not, against their
own bound.

${surroundings}

## Where it falls short

Uplinks that differ much, while there are few chunks: chunks that only a slow peer has spread late, and the last of them
goes out slowly. Receivers slower than the uplinks: what they have accepted, others wait for. Peers that go in the middle
of what they send. Chunks that are committed long before they can go: on a link they share it. All of it matters less the
more chunks there are.

## Neighbours

link, 50 ms, M=64; all have the same number.

${degree}
`;
}
