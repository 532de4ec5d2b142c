package process

import (
	"os"
	"os/exec"
	"unsafe"

	"golang.org/x/sys/windows"
)

func diesWithParent(*exec.Cmd) {}

// adopt puts a process into a job that Windows ends when its last handle is closed, as it
// is when this process is killed: with all that the process has started since. After
// release, what is left of them goes on. A process that cannot be put into one goes on, too.
func adopt(p *os.Process) (release func()) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return func() {}
	}
	limit := func(flags uint32) error {
		info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{LimitFlags: flags}}
		_, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
			uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
		return err
	}
	if limit(windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE) == nil {
		_ = p.WithHandle(func(handle uintptr) { _ = windows.AssignProcessToJobObject(job, windows.Handle(handle)) })
	}
	return func() {
		_ = limit(0)
		_ = windows.CloseHandle(job)
	}
}
