// Package scheduler is the interview scheduler: days with slots, interviewers,
// and one interview at most in each slot.
//
// Who may do what. Guests read days and interviewers. Whoever is signed in reads
// appointments, hears of changes on the socket, books free slots for themselves,
// and changes or cancels what they booked. The name in somebody else's booking
// reads Reserved, except to counsellors, managers and admins. Managers and admins
// change and cancel every booking and administer days, slots and interviewers.
// When the risk open-scheduler is accepted, everybody reads names and changes the
// bookings of guests; a member's booking stays the member's.
//
// Stops: two bookings in one slot, a booking overwritten unseen (If-Match,
// If-None-Match), one request carried out twice (Idempotency-Key), names shown to
// those who have no right to them, messages that carry fields nobody checked, a
// reset from another machine or another site.   Source: OWASP API1:2023, API3:2023,
// API6:2023, RFC 9110 §13, ASVS 5.0 2.3.4.
// Not covered: times and time zones (a slot's time is a text, as in the
// original); events for several processes (each tells its own connections); a
// channel for administrative changes, which the socket of the original does not
// have room for.
//
// Deleting a day takes its slots and their interviews with it. A slot or an
// interviewer with interviews is refused with 409 until force=true says that
// they may go; the slots that this empties are told to the socket. No id is
// ever given twice.
package scheduler
