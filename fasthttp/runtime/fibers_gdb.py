"""gdb commands that show the fibers of a fasthttp process or core dump.

    (gdb) source fasthttp/runtime/fibers_gdb.py
    (gdb) fasthttp fibers        all fibers that run or wait: id, state, for how long, thread, where
    (gdb) fasthttp bt 1.7        the stack of fiber 7 of loop 1 ("7" is that of loop 0)
    (gdb) fasthttp bt all        the stacks of all fibers that wait

Works without debug information (the program must not be stripped) and on core dumps. x86-64.
Nothing in the process changes: the stack of a suspended fiber is shown beneath the present frame of
the selected thread by an unwinder that is active for that one backtrace.
"""

import struct

import gdb
from gdb.unwinder import Unwinder

STATES = ["free", "running", "parked", "blocked", "ready", "on a large stack"]
VERSION = 1
POINTER = 8

# What Boost.Context leaves below a suspended stack pointer on x86-64 (System V), as offsets.
SAVED = {"r12": 0x08, "r13": 0x10, "r14": 0x18, "r15": 0x20, "rbx": 0x28, "rbp": 0x30, "rip": 0x38}
SAVED_SIZE = 0x40


def read(address, layout):
    memory = gdb.selected_inferior().read_memory(address, struct.calcsize(layout))
    return struct.unpack(layout, bytes(memory))


def pointer(address):
    return read(address, "<Q")[0]


class Table:
    """The symbol fasthttp_debug_table: see debug_table.h."""

    NAMES = ["version", "loop_next", "loop_index", "loop_thread", "loop_now", "loop_fibers",
             "fiber_state", "fiber_index", "fiber_task", "fiber_since", "fiber_context",
             "fiber_stack"]

    def __init__(self):
        try:
            at = int(gdb.parse_and_eval("(unsigned long)&fasthttp_debug_table"))
        except gdb.error:
            raise gdb.GdbError("this program has no fasthttp runtime, or is stripped")
        layout = "<%dI" % len(self.NAMES)
        for name, value in zip(self.NAMES, read(at, layout)):
            setattr(self, name, value)
        if self.version != VERSION:
            raise gdb.GdbError("fibers_gdb.py is of another version than the program")
        self.first_loop = pointer(at + struct.calcsize(layout))


class Fiber:
    def __init__(self, table, loop, at):
        self.loop = loop
        state = read(at + table.fiber_state, "<B")[0]
        self.state = STATES[state] if state < len(STATES) else "state %d" % state
        self.index = read(at + table.fiber_index, "<I")[0]
        self.task = pointer(at + table.fiber_task)
        self.since = read(at + table.fiber_since, "<q")[0]
        self.context = pointer(at + table.fiber_context)

    @property
    def name(self):
        return "%d.%d" % (self.loop.index, self.index)


class Loop:
    def __init__(self, table, at):
        self.index = read(at + table.loop_index, "<I")[0]
        self.thread = read(at + table.loop_thread, "<i")[0]
        self.now = read(at + table.loop_now, "<q")[0]
        first, last = read(at + table.loop_fibers, "<QQ")
        self.fibers = [Fiber(table, self, pointer(p)) for p in range(first, last, POINTER)]


def loops():
    table = Table()
    found = []
    at = table.first_loop
    while at != 0:
        found.append(Loop(table, at))
        at = pointer(at + table.loop_next)
    return sorted(found, key=lambda loop: loop.index)


def live_fibers():
    return [f for loop in loops() for f in loop.fibers if f.state not in ("free", "parked")]


class SuspendedUnwinder(Unwinder):
    """Makes a suspended fiber the caller of the innermost frame."""

    class FrameId:
        def __init__(self, sp, pc):
            self.sp = sp
            self.pc = pc

    def __init__(self):
        super().__init__("fasthttp fiber")
        self.context = None
        self.done = False

    def __call__(self, pending):
        # The first frame that gdb asks for is the innermost one.
        if self.context is None or self.done:
            return None
        self.done = True
        pc = pending.read_register("rip")
        sp = pending.read_register("rsp")
        info = pending.create_unwind_info(self.FrameId(sp, pc))
        word = gdb.lookup_type("long")
        for register, offset in SAVED.items():
            info.add_saved_register(register, gdb.Value(pointer(self.context + offset)).cast(word))
        info.add_saved_register("rsp", gdb.Value(self.context + SAVED_SIZE).cast(word))
        return info


UNWINDER = SuspendedUnwinder()
gdb.unwinder.register_unwinder(None, UNWINDER, replace=True)


class Suspended:
    """While it is entered, the selected thread's frames above the innermost are the fiber's."""

    def __init__(self, fiber):
        self.fiber = fiber

    def __enter__(self):
        UNWINDER.context = self.fiber.context
        UNWINDER.done = False
        gdb.invalidate_cached_frames()
        return gdb.newest_frame().older()

    def __exit__(self, *_):
        UNWINDER.context = None
        gdb.invalidate_cached_frames()


def name_of(frame):
    return frame.name() or "?? (%#x)" % frame.pc()


def frames_of(fiber):
    names = []
    with Suspended(fiber) as frame:
        while frame is not None and frame.is_valid():
            names.append((frame.pc(), name_of(frame), frame.find_sal()))
            # The bottom of every fiber.
            if "make_fcontext" in names[-1][1] or len(names) == 100:
                break
            frame = frame.older()
    return names


def select_thread(lwp):
    for thread in gdb.selected_inferior().threads():
        if thread.ptid[1] == lwp:
            thread.switch()
            return True
    return False


# Frames of the switch itself, which are the same for everybody.
INNER = ("fasthttp::runtime::Fiber::Switch", "fasthttp::runtime::Loop::", "boost::context::")


def short(name):
    return name.replace("(anonymous namespace)::", "").split("(")[0].split("<")[0]


def place_of(fiber):
    names = [short(name) for _, name, _ in frames_of(fiber) if not name.startswith(INNER)]
    return " < ".join(names[:3])


def show_stack(fiber):
    print("fiber %s: %s" % (fiber.name, fiber.state))
    if fiber.state == "running":
        if not select_thread(fiber.loop.thread):
            raise gdb.GdbError("thread %d of loop %d is gone" % (fiber.loop.thread, fiber.loop.index))
        gdb.execute("backtrace")
        return
    for number, (pc, name, sal) in enumerate(frames_of(fiber)):
        where = " at %s:%d" % (sal.symtab.filename, sal.line) if sal.symtab else ""
        print("#%-3d %#x in %s%s" % (number, pc, name, where))


class FasthttpCommand(gdb.Command):
    """Show the fibers of fasthttp's loops."""

    def __init__(self):
        super().__init__("fasthttp", gdb.COMMAND_STACK, prefix=True)


class FibersCommand(gdb.Command):
    """List the fibers that run or wait."""

    def __init__(self):
        super().__init__("fasthttp fibers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        for fiber in live_fibers():
            if fiber.state == "running":
                print("%-8s running            thread %d" % (fiber.name, fiber.loop.thread))
            else:
                seconds = (fiber.loop.now - fiber.since) / 1e9
                print("%-8s %-8s %8.3f s  thread %d  task %#x  %s" %
                      (fiber.name, fiber.state, seconds, fiber.loop.thread, fiber.task,
                       place_of(fiber)))


class BacktraceCommand(gdb.Command):
    """Show the stack of a fiber, "loop.fiber", or of all that wait."""

    def __init__(self):
        super().__init__("fasthttp bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        wanted = argument.strip()
        if wanted == "all":
            for fiber in live_fibers():
                if fiber.state != "running":
                    show_stack(fiber)
            return
        for fiber in live_fibers():
            if wanted in (fiber.name, str(fiber.index) if fiber.loop.index == 0 else None):
                show_stack(fiber)
                return
        raise gdb.GdbError("no such fiber runs or waits: '%s'; see fasthttp fibers" % wanted)


FasthttpCommand()
FibersCommand()
BacktraceCommand()
