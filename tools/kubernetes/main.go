// Command kubernetes is what the tests need of a cluster in one program: etcd, kube-apiserver and
// kube-controller-manager of one release, and the Lua that Argo CD runs health checks with.
package main

import (
	"fmt"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// version is that of k8s.io/kubernetes in go.mod.
const version = "1.36.3"

func main() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	args := os.Args[min(2, len(os.Args)):]
	switch name {
	case "etcd":
		etcdmain.Main(append([]string{"etcd"}, args...))
	case "apiserver":
		command := apiserver.NewAPIServerCommand()
		command.SetArgs(args)
		os.Exit(cli.Run(command))
	case "controller-manager":
		command := controllermanager.NewControllerManagerCommand()
		command.SetArgs(args)
		os.Exit(cli.Run(command))
	case "lua-health":
		os.Exit(luaHealth(args))
	case "--version":
		fmt.Println("kubernetes", version)
	default:
		fmt.Fprintln(os.Stderr, "usage: kubernetes etcd|apiserver|controller-manager|lua-health …")
		os.Exit(2)
	}
}
