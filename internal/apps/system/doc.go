// Package system answers for the server itself: what stands at the root, whether
// it is well, and which contracts it serves.
//
// Who may do what: everybody may ask whether the server is up, and may read the
// contracts, for what is in them is what a caller must know. Only admins see how
// much memory it takes and which commit it was built from (ASVS 5.0 13.4.5), and
// the causes of errors; how many there were of which kind is for everybody.
package system
