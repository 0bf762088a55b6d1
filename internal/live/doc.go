// Package live is the WebSocket hub: it upgrades a request, subscribes the
// connection as its principal, and sends it the events that it may see.
//
// Stops: sockets opened by foreign pages, connections and messages without end,
// messages that are too big or not UTF-8, readers so slow that they hold memory,
// sockets that outlive the session that opened them, an older state shown after
// a newer one.   Source: RFC 6455, OWASP WebSocket Security Cheat Sheet, ASVS 5.0 4.4.
// Place: behind all layers, as the handler of an operation with
// x-gatehouse-websocket; the upgrade is an ordinary request that has passed them.
// Zero Config: only pages of the same host may connect (and clients that are no
// browsers, which send no Origin), 1000 connections in all, 64 for each address,
// 32 for each principal, 60 messages a minute of 64 KiB at most from each.
// Not covered: events between several processes; who may open the socket at all
// (authn and authz decide that); what the messages mean.
//
// How a connection ends, by its close code: 1001 the server stops, 1002 a frame
// that breaks the protocol, 1003 a binary message, 1007 text that is not UTF-8,
// 1008 the session has ended or messages come too fast, 1009 a message is too
// big, 1013 the reader is too slow.
package live
