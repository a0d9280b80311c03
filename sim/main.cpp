#include <iostream>
#include <vector>

#include "sim/sim_main.h"

int main(int argc, char** argv)
{
    const std::vector<std::string_view> args{argv + 1, argv + argc};
    return coretap::sim::Main(args, std::cout, std::cerr);
}
