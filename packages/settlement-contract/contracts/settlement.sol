// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Passes a payment on, once per settlement id. No owner, no upgrade, no balance of its own.
/// @notice Two transactions that carry the same settlement pay once, whatever their nonces and whoever sends them again.
contract Settlement {
    /// @notice Ids are the payer's own: what one payer settles cannot use up another's id.
    mapping(address payer => mapping(bytes32 settlementId => bool)) public isSettled;

    event Settled(bytes32 indexed settlementId, address indexed payer, address indexed to, uint256 amount);

    error AlreadySettled(bytes32 settlementId);
    error InvalidReceiver();
    error InvalidAmount();
    error PaymentRefused(address to);

    /// @notice Pays all of the value to `to`, or reverts with all of it back at the payer.
    function settle(bytes32 settlementId, address payable to) external payable {
        if (msg.value == 0) revert InvalidAmount();
        if (to == address(0) || to == address(this)) revert InvalidReceiver();
        if (isSettled[msg.sender][settlementId]) revert AlreadySettled(settlementId);

        // Before the payment: the receiver may call back.
        isSettled[msg.sender][settlementId] = true;
        emit Settled(settlementId, msg.sender, to, msg.value);

        // All gas, not 2300: receivers may be wallets with code.
        (bool paid, ) = to.call{value: msg.value}("");
        if (!paid) revert PaymentRefused(to);
    }
}
