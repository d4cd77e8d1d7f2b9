"""The best chance that anybody could name: of a customer not coming, by who knows the simulator's hidden state.

The shop is replayed from its seed to a day, and from there run into many futures that differ by chance alone. In each,
a twin of every customer, who does not come, says how likely that was; the mean over the futures is the answer. Nobody
who knows no more than everything up to that day can rank customers better, so its AUROC bounds every model's.
"""

from collections.abc import Sequence
from copy import deepcopy

import numpy as np

from model.errors import UserError
from model.progress import Progress, silent
from model.served.features import NS_PER_DAY
from model.shop.simulate import FIRST_DAY, Shop, drift, end_day, new_shop, run_day, sold, visit_rates
from model.shop.state import Floats, Ints, ShopSettings

NUM_FUTURES = 64


def chances_of_absence(
    settings: ShopSettings,
    cutoffs_ns: Sequence[int],
    horizon_days: int,
    *,
    num_futures: int = NUM_FUTURES,
    progress: Progress = silent,
) -> tuple[Ints, dict[int, Floats]]:
    """(customer_id [customers], by cut-off [customers] the chance of no visit in the days that follow).

    Args:
        settings: of the shop.
        cutoffs_ns: midnights, nanoseconds since the Unix epoch.
        horizon_days: how many days follow.
        num_futures: more make the chances more exact.
        progress: told of days and futures.

    Raises:
        UserError: a cut-off that is no midnight, or outside the shop's days.
    """
    days = {cutoff: _day(settings, cutoff) for cutoff in sorted(set(cutoffs_ns))}
    total = max(days.values()) + num_futures * len(days)
    shop, done = new_shop(settings), 0
    found: dict[int, Floats] = {}
    for cutoff, day in days.items():
        while shop.day < day:
            sale = run_day(shop)
            sold(shop, sale, 1)
            end_day(shop, sale)
            progress(done := done + 1, total)
        absent = np.zeros(len(shop.customers.customer_id), np.float64)
        for future in range(num_futures):
            absent += _absence(shop, horizon_days, np.random.default_rng([settings.seed, day, future]))
            progress(done := done + 1, total)
        found[cutoff] = (absent / num_futures).astype(np.float32)
    return shop.customers.customer_id, found


def _absence(now: Shop, horizon_days: int, rng: np.random.Generator) -> Floats:
    """[customer] chance of no visit along one future of everybody else."""
    shop = Shop(
        settings=now.settings, articles=deepcopy(now.articles), customers=deepcopy(now.customers),
        heat_G=now.heat_G.copy(), rng=rng, day=now.day,
    )  # fmt: skip
    twins = deepcopy(now.customers)
    absent = np.ones(len(twins.customer_id), np.float32)
    for _ in range(horizon_days):
        sale = run_day(shop)
        absent *= 1 - np.minimum(visit_rates(shop, twins), 1)
        end_day(shop, sale)
        # As of the day that ended: fashions and heat are everybody's, the twins alone bought nothing.
        drift(shop, twins)
    return absent


def _day(settings: ShopSettings, cutoff_ns: int) -> int:
    start_ns = int(FIRST_DAY.astype("datetime64[ns]").astype(np.int64))
    day, rest = divmod(cutoff_ns - start_ns, NS_PER_DAY)
    if rest or not 0 <= day <= settings.num_days:
        raise UserError(
            f"the oracle knows midnights of the shop's {settings.num_days} days from {FIRST_DAY} on "
            f"(got {np.datetime64(cutoff_ns, 'ns')})",
            hint="choose such cut-offs, or leave `oracle` out of `models`",
        )
    return int(day)
