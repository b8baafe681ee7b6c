#include "gil.h"

#include <exception>

namespace pilum::python {

void StopUnwoundCalls() {
  nb::register_exception_translator([](const std::exception_ptr& error, void*) {
    while (!error) ::pause();  // unwinding is no exception that C++ could hold
    std::rethrow_exception(error);
  });
}

GilReleased::~GilReleased() {
  StopIfUnwound([this] { PyEval_RestoreThread(state_); });
}

GilTaken::GilTaken() : state_(StopIfUnwound(&PyGILState_Ensure)) {}

bool OnMainThread() { return ::gettid() == ::getpid(); }

void HandleSignals() {
  if (PyErr_CheckSignals() != 0) nb::raise_python_error();
}

}  // namespace pilum::python
