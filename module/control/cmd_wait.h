/* control: the waiting that "wait" and "close --wait" share. */
#ifndef SD_CONTROL_CMD_WAIT_H
#define SD_CONTROL_CMD_WAIT_H

#include "control/control.h"
#include "control/watch.h"

/* Waits on what watch_begin began with the result begun, says how it went, and ends the watch. */
enum control_status wait_finish(struct control *control, struct watch *watch, int begun);

#endif
