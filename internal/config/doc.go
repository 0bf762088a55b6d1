// Package config gathers the settings of Gatehouse into one typed tree and says
// everything that is wrong with them at once.
//
// A setting is known by its path ("database.pool.max"). It may stand, strongest
// first, on the command line, in the environment (GATEHOUSE_DATABASE__POOL__MAX),
// in a file that the environment names (…_FILE, for secrets), in
// .env.<environment>, in .env, in gatehouse.yaml, or be left at its default. The
// table in settings.go is the one list of them: reading, checking, showing and
// the reference page are made from it. The variable names of the programs that
// Gatehouse replaces work too (aliases.go).
//
// An unknown key or name is an error with its place and the nearest match, never
// passed over: a misspelt safeguard is a missing one. What is unsafe in
// production is refused here (safety.go), so that config check and serve, which
// both call Load, cannot disagree.
//
// Load reads what it is given and keeps nothing: no package state, no look at
// the process's own environment. Values of secrets never reach a message.
package config
