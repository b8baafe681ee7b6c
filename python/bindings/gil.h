// The interpreter, left by calls that may wait and taken again by them.
//
// A thread that C++ has started never takes it. Daemon threads may do so when the interpreter is
// shutting down. Before Python 3.14 such a thread is ended by pthread_exit: its stack is unwound,
// through frames that end the process when that happens to them. Here it stops until the process
// ends, as later versions have it.
#pragma once

#include <cxxabi.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include <nanobind/nanobind.h>

#include "pilum/runtime.h"

namespace pilum::python {

namespace nb = nanobind;

/// Runs `python`, which asks for the GIL, itself or in Python code that it calls; stops this thread
/// if it is unwound.
template <typename Python>
auto StopIfUnwound(Python&& python) {
  try {
    return python();
  } catch (abi::__forced_unwind&) {
    for (;;) ::pause();
  }
}

/// Has nanobind do the same wherever a function of the module calls Python code.
void StopUnwoundCalls();

/// Other Python threads go on while one is alive.
class GilReleased {
 public:
  GilReleased() : state_(PyEval_SaveThread()) {}
  ~GilReleased();
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;

 private:
  PyThreadState* state_;
};

/// The thread that made the call has the interpreter while one is alive, whether it had it before
/// or not. When the interpreter is shutting down, it never gets it: the thread stops there.
class GilTaken {
 public:
  GilTaken();
  ~GilTaken() { PyGILState_Release(state_); }
  GilTaken(const GilTaken&) = delete;
  GilTaken& operator=(const GilTaken&) = delete;

 private:
  PyGILState_STATE state_;
};

/// Whether this is the thread on which Python runs the handlers of signals.
bool OnMainThread();

/// Runs the handlers of signals that have come; raises what they raise. Needs the GIL.
void HandleSignals();

/// Runs `call`, which may wait but does not touch Python, while other Python threads go on.
template <typename Call>
auto WithoutGil(Call&& call) {
  GilReleased released;
  return call();
}

/// Python code called from the midst of C++ code, and what it raised.
class Interlude {
 public:
  /// Runs `python` with the GIL. False if it has raised something, now or before; it is not run
  /// again then.
  template <typename Python>
  bool Run(Python&& python) {
    if (raised_) return false;
    GilTaken taken;
    try {
      python();
    } catch (nb::python_error& error) {
      raised_.emplace(std::move(error));
    }
    return !raised_;
  }

  /// Raises what was raised, if anything. Needs the GIL.
  void Rethrow() {
    if (raised_) throw std::move(*raised_);
  }

  std::optional<nb::python_error> Take() { return std::exchange(raised_, std::nullopt); }

 private:
  std::optional<nb::python_error> raised_;
};

/// Like WithoutGil, but signals are handled before and meanwhile if this is the main thread. What a
/// handler raises ends the call and is raised here.
template <typename Call>
auto Interruptibly(Call&& call) {
  const bool handles_signals = OnMainThread();
  // Calls too short to be asked whether to go on may follow each other without any Python between.
  if (handles_signals) HandleSignals();
  Interlude signals;
  auto result = WithoutGil([&] {
    std::optional<CancelScope> scope;
    if (handles_signals) scope.emplace([&] { return signals.Run(&HandleSignals); });
    return call();
  });
  signals.Rethrow();
  return result;
}

}  // namespace pilum::python
