// Boost.JSON's own code, compiled here so that its headers are all that is needed of it.
#include <boost/json/src.hpp>
