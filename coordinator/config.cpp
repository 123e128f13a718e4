#include "coordinator/config.h"
