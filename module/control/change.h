/* control: giving orders and taking them back, wherever the target's order stands. */
#ifndef SD_CONTROL_CHANGE_H
#define SD_CONTROL_CHANGE_H

#include "control/control.h"
#include "control/scope.h"

/* How the table must be opened for the target's order to be changed; create: where none is yet. */
enum scope_mode change_scope_mode(const struct target *target, bool create);

/* Gives the scope's target an order, or changes the one in force, and fills *now_in_force.  Returns
 * as table_order, and -EACCES for another user's advisory connection. */
int change_give(struct scope *scope, const struct order_change *change, struct order *now_in_force);

/* Takes the order on the scope's target back; none in force is no error.  Returns likewise. */
int change_take_back(struct scope *scope);

/* Complains that the target's order could not be changed, and returns STATUS_ERROR. */
enum control_status change_error(const struct control *control, const char *verb, int rc);

#endif
