/** For so long (ms) after something changed by itself whoever presses means what was there before: nobody reads faster. */
export const UNREAD = 400;
