//go:build unix && !linux

package storetest

import "syscall"

// attributes keep a Ctrl-C of the terminal from the server, so that it is
// stopped in order. Where there is no Pdeathsig it outlives a test binary that
// is killed.
func attributes(identity *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: identity, Setpgid: true}
}
