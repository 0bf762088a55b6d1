// Package members presents the identity service: signing up, in and out, the
// profile, the password, the public keys, and the first admin.
//
// Who may do what: everybody may sign in, exchange a refresh token and read the
// public keys; who may sign up is a setting of identity (invite, open or off).
// Members see their own profile, change their own password and end their own
// sessions. The first admin is made with a setup token, from the machine itself,
// and only while there is none.
//
// There is no SQL here: internal/identity keeps the tables. A login answers in
// one of two ways and never in both: with tokens for programs, or with a cookie
// that no script can read for browsers.
package members
