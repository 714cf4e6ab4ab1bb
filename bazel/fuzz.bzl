"""Fuzz targets."""

load("@rules_cc//cc:defs.bzl", "cc_test")

def cc_fuzz_test(name, corpus, deps = [], **kwargs):
    """A test that feeds every file of a corpus to LLVMFuzzerTestOneInput.

    With --config=fuzz the same target is a libFuzzer program, which as a test still only replays.
    To look for more (finds go to the first directory, which must exist):

        ./bazelw build --config=fuzz //fasthttp/http1:head_fuzz
        bazel-bin/fasthttp/http1/head_fuzz -max_total_time=60 finds fasthttp/http1/testdata/head

    Args:
      name: of the test.
      corpus: the directory of the corpus in this package, with at least one file.
      deps: as in cc_test.
      **kwargs: as in cc_test.
    """
    cc_test(
        name = name,
        size = "small",
        args = select({
            "//bazel:fuzz": ["-runs=0"],
            "//conditions:default": [],
        }) + [native.package_name() + "/" + corpus],
        data = native.glob([corpus + "/**"]),
        linkopts = select({
            "//bazel:fuzz": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        deps = deps + select({
            "//bazel:fuzz": [],
            "//conditions:default": ["//testing/fuzz:replay_main"],
        }),
        **kwargs
    )
