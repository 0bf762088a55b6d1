package storetest

import "syscall"

// attributes make the server end with this process, even when that is killed,
// and keep a Ctrl-C of the terminal from it, so that it is stopped in order.
func attributes(identity *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: identity, Pdeathsig: syscall.SIGQUIT, Setpgid: true}
}
