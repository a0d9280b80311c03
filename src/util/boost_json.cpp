// Debian's Boost 1.81 has JSON as headers only when its sources are compiled in once: here, and nowhere else.
#include <boost/json/src.hpp>
