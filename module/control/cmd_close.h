/* control: the order, and the waiting after it, that "close" and "abort" share. */
#ifndef SD_CONTROL_CMD_CLOSE_H
#define SD_CONTROL_CMD_CLOSE_H

#include "control/control.h"
#include "table/order.h"

/* Gives the order to the command's target, wakes whom it concerns and says so; with wait, waits until
 * nothing is live, and with forces ends what the deadline leaves over (watch_begin).  An order that is to be
 * anew, which takes wait, is so only where the one in force passes over somebody.  Complains in the name of
 * verb. */
enum control_status close_target(struct control *control, const char *verb,
    const struct order_change *change, bool wait, bool forces);

#endif
