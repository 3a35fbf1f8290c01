/* control: the process around control_main, which does everything else. */
#include "control/control.h"

int main(int argc, char **argv)
{
	return (int)control_main(argc, argv, stdout, stderr);
}
