// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

interface ISettlement {
    function settle(bytes32 settlementId, address payable to) external payable;
}

/// Takes no payment.
contract Refusing {
    receive() external payable {
        revert("no");
    }
}

/// Pays itself through the contract, and while being paid tries to settle the same id again.
contract Reentrant {
    ISettlement private settlement;
    bytes32 private settlementId;
    uint256 public repeats;
    uint256 public repeatsPaid;

    function begin(ISettlement target, bytes32 id, uint256 amount) external payable {
        settlement = target;
        settlementId = id;
        target.settle{value: amount}(id, payable(address(this)));
    }

    receive() external payable {
        repeats++;
        try settlement.settle{value: address(this).balance}(settlementId, payable(address(this))) {
            repeatsPaid++;
        } catch {}
    }
}
