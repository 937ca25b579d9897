package pgreplica.node;

import java.util.Optional;
import pgreplica.base.VoterId;
import pgreplica.instance.InstanceRecord;
import pgreplica.raft.Ballot;
import pgreplica.raft.Log;

/**
 * What the state directory holds at a start.
 *
 * @param self who this node was as a voter; empty at its very first start or after the directory was lost
 */
public record StoredFiles(Optional<VoterId> self, Ballot ballot, Log log, InstanceRecord instance) {}
