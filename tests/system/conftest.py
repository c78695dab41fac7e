import pytest

from harness.instance import Instance, short_directory


@pytest.fixture
def place():
    """A directory of the test's own, with a short name."""
    with short_directory() as directory:
        yield directory


@pytest.fixture
def host(place):
    """host(users=["alice"], settings={…}) makes and starts an instance (as harness.instance.Instance);
    all of a test's are stopped at its end, and nothing of them may be left."""
    running = []

    def start(name=None, **options):
        veredus = Instance(place / (name or f"h{len(running)}"), **options)
        running.append(veredus)
        return veredus.__enter__()

    yield start
    errors = []
    for veredus in reversed(running):
        try:
            veredus.__exit__(None, None, None)
        except AssertionError as error:
            errors.append(error)
    if errors:
        raise errors[0]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails shows what its instances said, and its module knows."""
    outcome = yield
    report = outcome.get_result()
    item.module.has_failed = report.failed or getattr(item.module, "has_failed", False)
    if report.failed and call.when == "call" and "place" in item.fixturenames:
        for veredus in Instance.running_now:
            if veredus.log:
                report.sections.append((f"log of {veredus.directory.name}", veredus.log.text()[-20000:]))
